-- +goose NO TRANSACTION
-- +goose Up
CREATE INDEX CONCURRENTLY orders_status_idx ON orders (status) WHERE status <> 'done';

-- +goose Down
DROP INDEX CONCURRENTLY orders_status_idx;
