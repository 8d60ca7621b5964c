-- migrate:up
-- The deployed servers go on with guest. A later release fills guest_name, and one after that drops guest.
SET LOCAL lock_timeout = '3s';
ALTER TABLE bookings ADD COLUMN guest_name text;

-- migrate:down
ALTER TABLE bookings DROP COLUMN guest_name;
