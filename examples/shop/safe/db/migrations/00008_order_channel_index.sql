-- +goose NO TRANSACTION
-- +goose Up
CREATE INDEX CONCURRENTLY orders_channel_idx ON orders (channel, placed_at);

-- +goose Down
DROP INDEX CONCURRENTLY orders_channel_idx;
