-- +goose Up
CREATE TABLE warehouses (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    country text NOT NULL
);

ALTER TABLE orders ADD COLUMN warehouse_id bigint;
ALTER TABLE orders ADD CONSTRAINT orders_warehouse_id_fkey
    FOREIGN KEY (warehouse_id) REFERENCES warehouses (id);
ALTER TABLE orders ALTER COLUMN ship_country SET NOT NULL;

-- +goose Down
ALTER TABLE orders ALTER COLUMN ship_country DROP NOT NULL;
ALTER TABLE orders DROP COLUMN warehouse_id;
DROP TABLE warehouses;
