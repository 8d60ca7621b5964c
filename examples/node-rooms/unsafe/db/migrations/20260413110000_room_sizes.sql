-- migrate:up
ALTER TABLE rooms ALTER COLUMN seats TYPE smallint;

-- migrate:down
ALTER TABLE rooms ALTER COLUMN seats TYPE integer;
