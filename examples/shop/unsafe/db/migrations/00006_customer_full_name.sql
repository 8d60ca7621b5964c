-- +goose Up
ALTER TABLE customers RENAME COLUMN name TO full_name;
UPDATE customers SET full_name = btrim(full_name);

-- +goose Down
ALTER TABLE customers RENAME COLUMN full_name TO name;
