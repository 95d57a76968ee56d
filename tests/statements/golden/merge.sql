select
  (select count(*) from "Sche""ma; --"."other
😀" where "I""d" is null or "no'te; --" is null) as null_keys,
  (select count(*) from (select from "Sche""ma; --"."other
😀" group by "I""d", "no'te; --" having count(*) > 1) as keys) as duplicate_keys;

merge into "Sche""ma; --"."ta'ble $1 é" as target
using "Sche""ma; --"."other
😀" as delta on target."I""d" = delta."I""d"
when matched then update set "no'te; --" = delta."no'te; --", "day" = delta."day"
when not matched then insert ("I""d", "no'te; --", "day")
  values (delta."I""d", delta."no'te; --", delta."day");

merge into "Sche""ma; --"."ta'ble $1 é" as target
using "Sche""ma; --"."other
😀" as delta on target."I""d" = delta."I""d"
when matched then do nothing
when not matched then insert ("I""d")
  values (delta."I""d");
