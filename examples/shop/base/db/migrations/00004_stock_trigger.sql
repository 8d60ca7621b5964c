-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION take_from_stock() RETURNS trigger AS $$
BEGIN
    UPDATE products SET stock = stock - NEW.quantity WHERE id = NEW.product_id;
    RETURN NEW;
END;
$$ LANGUAGE plpgsql;
-- +goose StatementEnd

CREATE TRIGGER order_items_take_from_stock
    AFTER INSERT ON order_items
    FOR EACH ROW EXECUTE FUNCTION take_from_stock();

-- +goose Down
DROP TRIGGER order_items_take_from_stock ON order_items;
DROP FUNCTION take_from_stock();
