-- migrate:up
CREATE TABLE rooms (
    id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name  text NOT NULL UNIQUE,
    seats integer NOT NULL
);

-- migrate:down
DROP TABLE rooms;
