-- +goose Up
ALTER TABLE orders ADD COLUMN channel text NOT NULL DEFAULT 'web';
ALTER TABLE orders ALTER COLUMN channel DROP DEFAULT;
CREATE INDEX orders_channel_idx ON orders (channel, placed_at);

-- +goose Down
ALTER TABLE orders DROP COLUMN channel;
