alter table "Sche""ma; --"."ta'ble $1 é" add constraint "ta'ble $1 é_pkey" primary key ("I""d");

comment on index "Sche""ma; --"."ta'ble $1 é_pkey" is 'made by aquifer from the model (548130c2)';

create index "ta'ble $1 é_no_te_lower_no_te_idx" on "Sche""ma; --"."ta'ble $1 é" using btree ("no'te; --", (lower("no'te; --"))) include ("day") where "day" is not null;

comment on index "Sche""ma; --"."ta'ble $1 é_no_te_lower_no_te_idx" is 'made by aquifer from the model (da1250d8)';

create unique index "own ""name""" on "Sche""ma; --"."ta'ble $1 é" using btree ("day");

comment on index "Sche""ma; --"."own ""name""" is 'made by aquifer from the model (85728288)';
