// Rooms, and who has booked them. `db` is a pool of node-postgres.

export async function freeRooms(db, day) {
  const { rows } = await db.query({
    name: 'free-rooms',
    text: `SELECT r.* FROM rooms r
           WHERE NOT EXISTS (SELECT 1 FROM bookings b WHERE b.room_id = r.id AND b.day = $1)
           ORDER BY r.name`,
    values: [day],
  });
  return rows;
}

// book takes a room for a day; who has it already may change the note.
export async function book(db, room, guest, day, note = null) {
  const { rows } = await db.query(
    `INSERT INTO bookings (room_id, guest_name, day, note) VALUES ($1, $2, $3, $4)
     ON CONFLICT (room_id, day, hour) DO UPDATE SET note = excluded.note WHERE bookings.guest_name = excluded.guest_name
     RETURNING id`,
    [room, guest, day, note],
  );
  return rows[0]?.id;
}

export async function bookingsOf(db, guest) {
  const { rows } = await db.query(
    `SELECT b.day, r.name AS room, b.note FROM bookings b JOIN rooms r ON r.id = b.room_id
     WHERE b.guest_name = $1 ORDER BY b.day`,
    [guest],
  );
  return rows;
}
