-- Deploy shop:orders to pg
-- requires: accounts

BEGIN;
CREATE TABLE orders (id bigint PRIMARY KEY, account bigint REFERENCES accounts, total numeric);
INSERT INTO accounts VALUES (1, ';'), (2, $$ \ir no $$);
COMMIT;
