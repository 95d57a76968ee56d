create schema if not exists "checks_dev";
create schema if not exists "outside";
create schema if not exists "web_dev";
-- outside.visits
table "outside"."visits"
;

-- web_dev.pre_visits_all
select 1
;
create table "web_dev"."pre_visits_all" as
select * from "outside"."visits"
;
select 2
;
select 3
;

-- checks_dev.pre_visits_exist
create view "checks_dev"."pre_visits_exist" as
select 1 where not exists (select from "web_dev"."pre_visits_all")
;
select 1 / (count(*) = 0)::int from "checks_dev"."pre_visits_exist"
;

-- web_dev.pre_page_a
create view "web_dev"."pre_page_a" as
select id from "web_dev"."pre_visits_all" where page = 'a'
;

-- checks_dev.pre_web_page_a_assertions_rowConditions
create view "checks_dev"."pre_web_page_a_assertions_rowConditions" as
select 'id IS NOT NULL' as failing_row_condition, *
from "web_dev"."pre_page_a"
where not (id IS NOT NULL)
;
select 1 / (count(*) = 0)::int from "checks_dev"."pre_web_page_a_assertions_rowConditions"
;

-- web_dev.pre_page_b
create view "web_dev"."pre_page_b" as
select id from "web_dev"."pre_visits_all" where page = 'b'
;

-- checks_dev.pre_web_page_b_assertions_rowConditions
create view "checks_dev"."pre_web_page_b_assertions_rowConditions" as
select 'id IS NOT NULL' as failing_row_condition, *
from "web_dev"."pre_page_b"
where not (id IS NOT NULL)
;
select 1 / (count(*) = 0)::int from "checks_dev"."pre_web_page_b_assertions_rowConditions"
;

-- checks_dev.pre_web_visits_all_assertions_rowConditions
create view "checks_dev"."pre_web_visits_all_assertions_rowConditions" as
select 'id > 0' as failing_row_condition, *
from "web_dev"."pre_visits_all"
where not (id > 0)
;
select 1 / (count(*) = 0)::int from "checks_dev"."pre_web_visits_all_assertions_rowConditions"
;

-- checks_dev.pre_web_visits_all_assertions_uniqueKey_0
create view "checks_dev"."pre_web_visits_all_assertions_uniqueKey_0" as
select id, count(*) as index_row_count
from "web_dev"."pre_visits_all"
group by id
having count(*) > 1
;
select 1 / (count(*) = 0)::int from "checks_dev"."pre_web_visits_all_assertions_uniqueKey_0"
;

-- checks_dev.pre_with_config
create view "checks_dev"."pre_with_config" as
select * from "web_dev"."pre_visits_all" where id < 0
;
select 1 / (count(*) = 0)::int from "checks_dev"."pre_with_config"
;

-- web_dev.pre_grown
create table "web_dev"."pre_grown" as
select id, page from "web_dev"."pre_visits_all"
;
insert into "web_dev"."pre_grown"
select id, page from "web_dev"."pre_visits_all" where id > (select max(id) from "web_dev"."pre_grown")
;

-- web_dev.pre_notes
create table if not exists "web_dev"."pre_notes" (note text)
;
insert into "web_dev"."pre_notes" values ('test')
;

-- web_dev.pre_plain
create view "web_dev"."pre_plain" as
select 1 as a
;

-- web_dev.pre_old_style
create table "web_dev"."pre_old_style" as
select 1 as a
;

-- web_dev.pre_single
select count(*) from "web_dev"."pre_notes"
;
