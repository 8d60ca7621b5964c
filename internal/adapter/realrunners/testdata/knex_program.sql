INSERT INTO a (x, y) VALUES ('seed', 0);
