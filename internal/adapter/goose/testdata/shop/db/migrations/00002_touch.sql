-- +goose up
--+goose   statementbegin
CREATE FUNCTION touch() RETURNS trigger AS $$
BEGIN
    NEW.updated := now();
    RETURN NEW;
END;
$$ LANGUAGE plpgsql;
-- +goose StatementEnd
ALTER TABLE users ADD COLUMN updated timestamptz;
-- +goose Down
-- +goose StatementBegin
DROP FUNCTION way_down();
-- +goose StatementEnd
