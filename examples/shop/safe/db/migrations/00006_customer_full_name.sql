-- +goose Up
-- The deployed servers go on writing name only. A later release fills the
-- rest, and one after that drops name.
SET LOCAL lock_timeout = '3s';
ALTER TABLE customers ADD COLUMN full_name text;

-- +goose Down
ALTER TABLE customers DROP COLUMN full_name;
