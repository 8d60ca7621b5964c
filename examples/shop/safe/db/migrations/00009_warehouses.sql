-- +goose Up
CREATE TABLE warehouses (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    country text NOT NULL
);

SET LOCAL lock_timeout = '3s';
ALTER TABLE orders ADD COLUMN warehouse_id bigint;
ALTER TABLE orders ADD CONSTRAINT orders_warehouse_id_fkey
    FOREIGN KEY (warehouse_id) REFERENCES warehouses (id) NOT VALID;

-- +goose Down
ALTER TABLE orders DROP COLUMN warehouse_id;
DROP TABLE warehouses;
