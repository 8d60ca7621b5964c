-- +migrate Up
ALTER TABLE users ADD COLUMN c int;
-- +migrate Down
ALTER TABLE users DROP COLUMN way_down;
-- +migrate Up
ALTER TABLE users ADD COLUMN d int;
