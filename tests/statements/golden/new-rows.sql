create temporary table "n""ew" on commit drop as
select n as "I""d", 'x' || n as "no'te; --", date '2024-01-30' + n as "day" from generate_series(1, 3) as n -- the end
;
