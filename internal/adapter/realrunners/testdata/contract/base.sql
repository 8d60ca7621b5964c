CREATE SCHEMA shop;
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE users (id integer PRIMARY KEY, name text, email varchar(100) NOT NULL, age integer, nick text DEFAULT 'x', note text NOT NULL);
CREATE TABLE orders (id integer PRIMARY KEY, user_id integer, total integer NOT NULL, state varchar(20));
CREATE TABLE pairs (a integer NOT NULL, b integer NOT NULL, CONSTRAINT pairs_pkey PRIMARY KEY (a));
CREATE TABLE leftovers (id integer PRIMARY KEY);
CREATE TABLE shop.items (id integer PRIMARY KEY, name varchar(50));
CREATE INDEX users_age ON users (age);
INSERT INTO users VALUES (1, 'Ann', 'a@example.com', 30, 'a', ''), (2, NULL, 'b@example.com', 40, 'b', '');
