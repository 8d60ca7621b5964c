-- migrate:up
ALTER TABLE bookings RENAME COLUMN guest TO guest_name;

-- migrate:down
ALTER TABLE bookings RENAME COLUMN guest_name TO guest;
