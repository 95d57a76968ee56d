create table "Sche""ma; --"."ta'ble $1 é" (like "Sche""ma; --"."other
😀") partition by list ("no'te; --");

select 'l_' || coalesce(left(regexp_replace(value::text, '\W+', '_', 'g'), 24) || '_' || left(md5(value::text), 6), 'null') as suffix,
  format('for values in (%L)', value::text) as bound
from (select distinct "no'te; --" as value from "Sche""ma; --"."other
😀") as distinct_values
order by 1;

select 'h' || remainder as suffix,
  format('for values with (modulus 3, remainder %s)', remainder) as bound
from generate_series(0, 2) as remainder;
