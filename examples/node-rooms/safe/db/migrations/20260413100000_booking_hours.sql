-- migrate:up
-- 0 is the whole day: servers that do not know the column book that.
SET LOCAL lock_timeout = '3s';
ALTER TABLE bookings ADD COLUMN hour integer NOT NULL DEFAULT 0;

-- migrate:down
ALTER TABLE bookings DROP COLUMN hour;
