delete from "Sche""ma; --"."ta'ble $1 é"
where date_trunc('month', case when pg_typeof("day") = 'timestamptz'::regtype
      then "day"::timestamptz at time zone 'UTC' else "day"::timestamp end) in (select date_trunc('month', case when pg_typeof("day") = 'timestamptz'::regtype
      then "day"::timestamptz at time zone 'UTC' else "day"::timestamp end) from "Sche""ma; --"."other
😀")
  or ("day" is null and exists (select from "Sche""ma; --"."other
😀" where "day" is null));

delete from "Sche""ma; --"."ta'ble $1 é"
where "no'te; --" in (select "no'te; --" from "Sche""ma; --"."other
😀")
  or ("no'te; --" is null and exists (select from "Sche""ma; --"."other
😀" where "no'te; --" is null));
