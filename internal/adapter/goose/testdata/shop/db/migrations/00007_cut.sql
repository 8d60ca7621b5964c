-- +goose Up
DO $$
BEGIN
    DELETE FROM users;
    DELETE FROM users WHERE id = 1;
END
$$;
SELECT 1;
