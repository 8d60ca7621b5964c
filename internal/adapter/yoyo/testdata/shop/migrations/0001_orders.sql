-- The orders of the shop.
-- depends: 

CREATE TABLE orders (id bigint PRIMARY KEY, email text, total int);
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$;
