-- The orders.
-- depends: 

CREATE TABLE orders (id bigint PRIMARY KEY, email text, total int);
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$;

INSERT INTO orders VALUES (1, 'a;b', 2);
