-- +goose Up
CREATE TABLE accounts (id bigint PRIMARY KEY, name varchar(40) NOT NULL, points int NOT NULL);
CREATE TABLE events (id bigint PRIMARY KEY, kind int NOT NULL);
CREATE TABLE orders (id bigint PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, amount int NOT NULL);
CREATE TABLE items (id bigint PRIMARY KEY, order_id bigint NOT NULL REFERENCES orders, quantity int NOT NULL);
