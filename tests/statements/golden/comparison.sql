select to_jsonb(missing) as row
from (select "I""d"::integer as "I""d", "no'te; --"::text as "no'te; --" from "Sche""ma; --"."ta'ble $1 é"
except all
select "I""d"::integer as "I""d", "no'te; --"::text as "no'te; --" from "Sche""ma; --"."other
😀") as missing
order by missing::text
limit 20;
