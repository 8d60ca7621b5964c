import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';

import { book, bookingsOf, freeRooms } from '../lib/rooms.js';

// The database is the one of DATABASE_URL, with the schema in it.
const db = new pg.Pool({ connectionString: process.env.DATABASE_URL });
let room;

before(async () => {
  const { rows } = await db.query("INSERT INTO rooms (name, seats) VALUES ('Elm', 8) RETURNING id");
  room = rows[0].id;
});
after(() => db.end());

test('a room is free until it is booked', async () => {
  assert.deepEqual((await freeRooms(db, '2026-04-13')).map((r) => r.seats), [8]);
  assert.ok(await book(db, room, 'Ada', '2026-04-13'));
  assert.deepEqual(await freeRooms(db, '2026-04-13'), []);
});

test('nobody takes the room of somebody else', async () => {
  assert.ok(await book(db, room, 'Ada', '2026-04-14'));
  assert.equal(await book(db, room, 'Bo', '2026-04-14'), undefined);
});

test('who has booked it changes the note', async () => {
  await book(db, room, 'Cy', '2026-04-15');
  await book(db, room, 'Cy', '2026-04-15', 'with coffee');
  assert.deepEqual((await bookingsOf(db, 'Cy')).map((b) => b.note), ['with coffee']);
});
