-- migrate:up
ALTER TABLE bookings ADD COLUMN hour integer NOT NULL DEFAULT 0;
ALTER TABLE bookings DROP CONSTRAINT bookings_room_id_day_key;
ALTER TABLE bookings ADD UNIQUE (room_id, day, hour);

-- migrate:down
ALTER TABLE bookings DROP COLUMN hour;
