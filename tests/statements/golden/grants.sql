grant select on "Sche""ma; --"."ta'ble $1 é" to public;

grant insert on "Sche""ma; --"."ta'ble $1 é" to "pg_monitor", "pg_read_all_data";
