create table "Sche""ma; --"."ta'ble $1 é" (like "Sche""ma; --"."other
😀") partition by range ("day");

select to_char(lower_bound, 'YYYY_MM') as suffix,
  case when is_zoned then format('for values from (%L) to (%L)', lower_bound::text || '+00', (lower_bound + interval '1 month')::text || '+00')
    else format('for values from (%L) to (%L)', lower_bound, lower_bound + interval '1 month') end as bound
from (
  select distinct
    pg_typeof("day") = 'timestamptz'::regtype as is_zoned,
    date_trunc('month', case when pg_typeof("day") = 'timestamptz'::regtype
      then "day"::timestamptz at time zone 'UTC' else "day"::timestamp end) as lower_bound
  from "Sche""ma; --"."other
😀" where "day" is not null and isfinite("day")
) as bounds
order by lower_bound;

create table "Sche""ma; --"."ta'ble $1 é_2024_01" partition of "Sche""ma; --"."ta'ble $1 é" for values from ('2024-01-01') to ('2024-02-01') with (fillfactor = 70);

create unlogged table "Sche""ma; --"."ta'ble $1 é_default" partition of "Sche""ma; --"."ta'ble $1 é" default;
