-- +goose Up
-- The first table.
CREATE TABLE users (
    id bigint PRIMARY KEY,
    email text NOT NULL -- no ';' ends here;
);
CREATE INDEX users_email_idx ON users (email); -- small

-- +goose Down
DROP TABLE users; -- way_down
