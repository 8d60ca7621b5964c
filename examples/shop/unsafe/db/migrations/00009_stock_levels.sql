-- +goose Up
CREATE TABLE stock_levels (
    product_id   bigint NOT NULL REFERENCES products (id),
    warehouse_id bigint NOT NULL REFERENCES warehouses (id),
    quantity     integer NOT NULL DEFAULT 0,
    PRIMARY KEY (product_id, warehouse_id)
);

DROP TRIGGER order_items_take_from_stock ON order_items;
DROP FUNCTION take_from_stock();
ALTER TABLE products DROP COLUMN stock;

-- +goose Down
ALTER TABLE products ADD COLUMN stock integer NOT NULL DEFAULT 0;
DROP TABLE stock_levels;
