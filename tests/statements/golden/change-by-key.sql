delete from only "Sche""ma; --"."ta'ble $1 é" as current_rows
where not exists (select from "Sche""ma; --"."other
😀" as next_rows where next_rows."I""d" = current_rows."I""d");

update only "Sche""ma; --"."ta'ble $1 é" as current_rows set "I""d" = next_rows."I""d", "no'te; --" = next_rows."no'te; --", "day" = next_rows."day"
from "Sche""ma; --"."other
😀" as next_rows
where next_rows."I""d" = current_rows."I""d" and row(current_rows."I""d", current_rows."no'te; --", current_rows."day")::text is distinct from row(next_rows."I""d", next_rows."no'te; --", next_rows."day")::text;

insert into "Sche""ma; --"."ta'ble $1 é" ("I""d", "no'te; --", "day")
select next_rows."I""d", next_rows."no'te; --", next_rows."day" from "Sche""ma; --"."other
😀" as next_rows
where not exists (select from only "Sche""ma; --"."ta'ble $1 é" as current_rows where next_rows."I""d" = current_rows."I""d");
