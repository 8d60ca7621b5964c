-- +goose Up
-- The default stays: servers that do not know the column can still insert.
SET LOCAL lock_timeout = '3s';
ALTER TABLE orders ADD COLUMN channel text NOT NULL DEFAULT 'web';

-- +goose Down
ALTER TABLE orders DROP COLUMN channel;
