alter table "Sche""ma; --"."ta'ble $1 é" add column "n""ew" numeric(10,2), drop column "no'te; --";
