ALTER TABLE users ADD COLUMN b int;
---- create above / drop below ----
ALTER TABLE users DROP COLUMN way_down;
