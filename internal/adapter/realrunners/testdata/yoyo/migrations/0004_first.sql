-- transactional: FALSE
-- depends: 0001_orders
CREATE INDEX CONCURRENTLY orders_total_idx ON orders (total);
