DROP TABLE orders; -- way_down
DROP FUNCTION f();
