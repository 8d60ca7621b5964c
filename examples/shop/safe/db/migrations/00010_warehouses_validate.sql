-- +goose Up
-- In a transaction of its own: the scan of orders holds no lock that a
-- customer would wait for.
SET LOCAL lock_timeout = '3s';
ALTER TABLE orders VALIDATE CONSTRAINT orders_warehouse_id_fkey;

-- +goose Down
SELECT 1;
