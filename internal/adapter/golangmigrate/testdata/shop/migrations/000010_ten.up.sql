SET lock_timeout = '1s';
CREATE INDEX CONCURRENTLY users_a_idx ON users (a);
