-- migrate:up transaction:false
CREATE INDEX CONCURRENTLY users_a_idx ON users (a);

-- migrate:down
DROP INDEX way_down;
