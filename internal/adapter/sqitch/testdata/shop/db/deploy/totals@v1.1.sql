BEGIN;
CREATE FUNCTION total(a bigint) RETURNS numeric LANGUAGE sql AS 'SELECT sum(total) FROM orders WHERE account = a';
COMMIT;
