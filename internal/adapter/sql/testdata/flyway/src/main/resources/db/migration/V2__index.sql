CREATE INDEX CONCURRENTLY users_a_idx ON users (a);
