CREATE INDEX CONCURRENTLY orders_account_idx ON orders (account);
