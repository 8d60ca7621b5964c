-- +goose NO TRANSACTION
-- +goose Up
CREATE INDEX CONCURRENTLY users_updated_idx ON users (updated);
SET lock_timeout = '1s'; CREATE INDEX CONCURRENTLY users_two_idx ON users (updated, id);

-- +goose Down
DROP INDEX way_down;
