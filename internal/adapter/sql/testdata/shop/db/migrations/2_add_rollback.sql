CREATE TABLE rollback_requests (id bigint PRIMARY KEY);
