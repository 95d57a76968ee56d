alter table "Sche""ma; --"."ta'ble $1 é" add constraint "ta'ble $1 é_I""d_fkey" foreign key ("I""d") references "Sche""ma; --"."other
😀" ("I""d");

comment on constraint "ta'ble $1 é_I""d_fkey" on "Sche""ma; --"."ta'ble $1 é" is 'made by aquifer from the model (c95e9ae7)';
