-- +goose Up
-- +goose ENVSUB ON
GRANT SELECT ON users TO ${READER};
-- +goose ENVSUB OFF
COMMENT ON TABLE users IS '$HOME stays';
