-- An index.
-- no-transaction
CREATE INDEX CONCURRENTLY users_b_idx ON users (b);
