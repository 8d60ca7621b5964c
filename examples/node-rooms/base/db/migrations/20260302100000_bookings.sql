-- migrate:up
CREATE TABLE bookings (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    room_id bigint NOT NULL REFERENCES rooms (id),
    guest   text NOT NULL,
    day     date NOT NULL,
    note    text,
    UNIQUE (room_id, day)
);

-- migrate:down
DROP TABLE bookings;
