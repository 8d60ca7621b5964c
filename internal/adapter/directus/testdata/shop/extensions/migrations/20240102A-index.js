export async function up(database) {
  for (const column of ['note']) await database.raw(`CREATE INDEX CONCURRENTLY orders_${column} ON orders (${column})`);
  await database.raw(process.env.EXTRA);
}

export async function down(database) {
  await database.raw('SELECT way_down');
}
