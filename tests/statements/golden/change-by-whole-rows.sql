delete from "Sche""ma; --"."ta'ble $1 é" where (tableoid, ctid) in (
  select current_rows.tableoid, current_rows.ctid from (select tableoid, ctid, row("I""d", "no'te; --")::text as row_text, row_number() over (partition by row("I""d", "no'te; --")::text) as ordinal from "Sche""ma; --"."ta'ble $1 é") as current_rows
  left join (select true as is_kept, row("I""d", "no'te; --")::text as row_text, row_number() over (partition by row("I""d", "no'te; --")::text) as ordinal from "Sche""ma; --"."other
😀") as next_rows using (row_text, ordinal)
  where next_rows.is_kept is null
);

insert into "Sche""ma; --"."ta'ble $1 é" ("I""d", "no'te; --")
select "I""d", "no'te; --" from (
  select next_rows.*
  from (select "I""d", "no'te; --", row("I""d", "no'te; --")::text as row_text, row_number() over (partition by row("I""d", "no'te; --")::text) as ordinal from "Sche""ma; --"."other
😀") as next_rows
  left join (select true as is_present, row("I""d", "no'te; --")::text as row_text, row_number() over (partition by row("I""d", "no'te; --")::text) as ordinal from "Sche""ma; --"."ta'ble $1 é") as current_rows using (row_text, ordinal)
  where current_rows.is_present is null
) as new_rows;
