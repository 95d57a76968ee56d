comment on table "Sche""ma; --"."ta'ble $1 é" is  E'it''s\\ all';

comment on column "Sche""ma; --"."ta'ble $1 é"."I""d" is  E'the it''s\\ all';
