create schema if not exists "feed";
create schema if not exists "mart_blue";
create schema if not exists "mart_checks_blue";
create schema if not exists "other_blue";
-- feed.items
table "feed"."items"
;

-- mart_blue.growing
select 1
;
create table "mart_blue"."growing" as
select 1 as id
;
select 1
;
insert into "mart_blue"."growing"
select 1 as id
;

-- mart_blue.items_table
create table "mart_blue"."items_table" as
select id, label, '`tick` ${dollar} \' as odd from feed.items
;

-- mart_blue.touch
select 'touched'
;

-- other_blue.labels
create view "other_blue"."labels" as
select label from mart_blue.items_table
;

-- mart_blue.uses_vars
create view "mart_blue"."uses_vars" as
select 'blue' as color from "other_blue"."labels"
;

-- mart_checks_blue.auto_mart_items_table_assertions_rowConditions
create view "mart_checks_blue"."auto_mart_items_table_assertions_rowConditions" as
select 'label <> ''''' as failing_row_condition, *
from "mart_blue"."items_table"
where not (label <> '')
union all
select 'id IS NOT NULL' as failing_row_condition, *
from "mart_blue"."items_table"
where not (id IS NOT NULL)
;
select 1 / (count(*) = 0)::int from "mart_checks_blue"."auto_mart_items_table_assertions_rowConditions"
;

-- mart_checks_blue.auto_mart_items_table_assertions_uniqueKey_0
create view "mart_checks_blue"."auto_mart_items_table_assertions_uniqueKey_0" as
select id, count(*) as index_row_count
from "mart_blue"."items_table"
group by id
having count(*) > 1
;
select 1 / (count(*) = 0)::int from "mart_checks_blue"."auto_mart_items_table_assertions_uniqueKey_0"
;

-- mart_checks_blue.never
create view "mart_checks_blue"."never" as
select 1 where false
;
select 1 / (count(*) = 0)::int from "mart_checks_blue"."never"
;
