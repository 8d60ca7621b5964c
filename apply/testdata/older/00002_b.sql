-- +goose NO TRANSACTION
-- +goose Up
ALTER TABLE orders ADD COLUMN amount int;
-- +goose StatementBegin
DO $$ BEGIN PERFORM 1 FROM gate; UPDATE orders SET amount = 7 WHERE id = 1; END $$;
-- +goose StatementEnd
