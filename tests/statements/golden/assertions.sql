select count(*) as checked,
  count(*) filter (where not (
"I""d" > 1 -- more than one
)) as failed_0,
  count(*) filter (where (
"no'te; --" <>  E'it''s\\ all'
) is not true) as failed_1
from "Sche""ma; --"."ta'ble $1 é";

select coalesce(jsonb_agg(to_jsonb(failing_rows)), '[]') as sample
from (select * from (
select * from "Sche""ma; --"."ta'ble $1 é" where not (
"I""d" > 1 -- more than one
)
) as rows limit 10) as failing_rows;

select coalesce(jsonb_agg(to_jsonb(failing_rows)), '[]') as sample
from (select * from (
select * from "Sche""ma; --"."ta'ble $1 é" where (
"no'te; --" <>  E'it''s\\ all'
) is not true
) as rows limit 10) as failing_rows;

select coalesce(sum(rows), 0)::bigint as checked, count(*) filter (where rows > 1) as failed
from (select count(*) as rows from "Sche""ma; --"."ta'ble $1 é" group by "I""d", lower("no'te; --")) as keys;

select coalesce(jsonb_agg(to_jsonb(failing_rows)), '[]') as sample
from (select * from (
select "I""d", count(*) as rows from "Sche""ma; --"."ta'ble $1 é" group by "I""d" having count(*) > 1
) as rows limit 10) as failing_rows;

select count(*) as failed from (
select * from "Sche""ma; --"."ta'ble $1 é" -- all
) as failing_rows;

select coalesce(jsonb_agg(to_jsonb(failing_rows)), '[]') as sample
from (select * from (
select * from "Sche""ma; --"."ta'ble $1 é" -- all
) as rows limit 10) as failing_rows;
