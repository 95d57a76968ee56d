insert into "Sche""ma; --"."ta'ble $1 é" ("I""d", "no'te; --") select "I""d", "no'te; --" from "Sche""ma; --"."other
😀";
