create schema if not exists "history";
create schema if not exists "raw";
create schema if not exists "shop";
create schema if not exists "shop_quality";
-- raw.orders
table "raw"."orders"
;

-- shop.orders_clean
create table "shop"."orders_clean" as
-- a comment with `backticks`, ${no placeholder} and 'a quote
/* and a block with ` and ${none} */
select
  o.id, o.customer,
  (o.amount * 100)::bigint as amount,
  o.at,
  o.note,
  'it''s NL' as country,
  '\d+' as pattern,
  E'tab\tand \\ backslash' as escaped,
  "o"."note" ~ '^[a-z]\\d$' as matches,
  $tag$ dollar ' quoted $tag$ as dollars,
  '`' as tick,
  'žluťoučký 😀' as unicode
from "raw"."orders" as o
where o.amount < 100 -- the last comment
;

-- history.protected
create table "history"."protected" as
select id, at from "shop"."orders_clean"
;
insert into "history"."protected"
select id, at from "shop"."orders_clean"
where id > (select max(id) from "history"."protected")
;

-- shop_quality.shop_orders_clean_assertions_rowConditions
create view "shop_quality"."shop_orders_clean_assertions_rowConditions" as
select 'amount > 0' as failing_row_condition, *
from "shop"."orders_clean"
where not (amount > 0)
union all
select E'note is null or note <> ''it''''s \\''' as failing_row_condition, *
from "shop"."orders_clean"
where not (note is null or note <> 'it''s \')
union all
select 'id IS NOT NULL' as failing_row_condition, *
from "shop"."orders_clean"
where not (id IS NOT NULL)
union all
select 'customer IS NOT NULL' as failing_row_condition, *
from "shop"."orders_clean"
where not (customer IS NOT NULL)
;
select 1 / (count(*) = 0)::int from "shop_quality"."shop_orders_clean_assertions_rowConditions"
;

-- shop_quality.shop_orders_clean_assertions_uniqueKey_0
create view "shop_quality"."shop_orders_clean_assertions_uniqueKey_0" as
select id, count(*) as index_row_count
from "shop"."orders_clean"
group by id
having count(*) > 1
;
select 1 / (count(*) = 0)::int from "shop_quality"."shop_orders_clean_assertions_uniqueKey_0"
;

-- shop.customers
create view "shop"."customers" as
select customer, count(*) as orders, 'shop.customers' as self
from "shop"."orders_clean"
group by customer
;

-- shop.totals
drop table if exists "shop"."totals"
;
create table "shop"."totals" as select sum(amount) as total, 'a;b' as text from "shop"."orders_clean"
;
comment on table "shop"."totals" is 'a -- b'
;

-- shop_quality.no_orders_without_customer
create view "shop_quality"."no_orders_without_customer" as
select * from "shop"."orders_clean" where customer is null
;
select 1 / (count(*) = 0)::int from "shop_quality"."no_orders_without_customer"
;

-- shop.big_customers
create view "shop"."big_customers" as
select customer from "shop"."customers" where orders > 1
and customer in (select customer from "shop"."orders_clean")
;

-- shop.daily
create table if not exists public.log (step text)
;
insert into public.log values ('before full')
;
create table "shop"."daily" as
select at, sum(amount) as amount
from "shop"."orders_clean"
where true
group by at
;
insert into public.log values ('after daily')
;
create table if not exists public.log (step text)
;
insert into public.log values ('before incremental')
;
insert into "shop"."daily"
select at, sum(amount) as amount
from "shop"."orders_clean"
where at > coalesce((select max(at) from "shop"."daily"), date '2000-01-01')
group by at
;

-- shop.off
select 'disabled'
;

-- shop.plain
select 1 as one, '---' as dashes
;
select "shop"."totals".total from "shop"."totals"
;

-- shop.strings
create view "shop"."strings" as
select
  '''triple''' as three, "o"."a" as quoted, 'a"b' as double, '--' as dashes, '/*' as opens,
  1 -- '
  as one, 'x
y' as lines
from (select 1 as a) as "o"
;

-- shop_quality.shop_daily_assertions_rowConditions
create view "shop_quality"."shop_daily_assertions_rowConditions" as
select 'at IS NOT NULL' as failing_row_condition, *
from "shop"."daily"
where not (at IS NOT NULL)
;
select 1 / (count(*) = 0)::int from "shop_quality"."shop_daily_assertions_rowConditions"
;

-- shop_quality.shop_daily_assertions_uniqueKey_0
create view "shop_quality"."shop_daily_assertions_uniqueKey_0" as
select at, count(*) as index_row_count
from "shop"."daily"
group by at
having count(*) > 1
;
select 1 / (count(*) = 0)::int from "shop_quality"."shop_daily_assertions_uniqueKey_0"
;

-- shop_quality.shop_daily_assertions_uniqueKey_1
create view "shop_quality"."shop_daily_assertions_uniqueKey_1" as
select at, amount, count(*) as index_row_count
from "shop"."daily"
group by at, amount
having count(*) > 1
;
select 1 / (count(*) = 0)::int from "shop_quality"."shop_daily_assertions_uniqueKey_1"
;

-- shop_quality.shop_off_assertions_rowConditions
select 'disabled'
;
