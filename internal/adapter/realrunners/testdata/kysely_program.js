// Kysely: what a run of a program shows, and its text does not.
const { sql } = require('kysely')
const { tables, withOwner, Audit, each } = require('../lib/tables')

module.exports.up = async function up(database) {
  await sql`select 'begin'`.execute(database)
  for (const { name, columns } of tables) {
    let table = database.schema.createTable(name).addColumn('id', 'serial', (col) => col.primaryKey())
    for (const [column, type] of Object.entries(columns)) {
      table = table.addColumn(column, type, (col) => (type === 'text' ? col.notNull() : col))
    }
    if (name === 'b') {
      table = table.addColumn('made', 'timestamptz', (col) => {
        col.unique()
        return col.defaultTo(sql`now()`)
      })
    }
    await table.$call(withOwner).execute()
  }
  const alter = database.schema.alterTable('a')
  for (const column of ['p', 'q']) await alter.addColumn(column, 'integer').execute()
  alter.addColumn('r', 'integer').execute() // nobody awaits it, and Kysely sends it
  database.schema.createIndex('a_r').on('a').columns(['p', 'q'].reverse()).execute()
  const { ref, table } = database.dynamic
  for (const name of ['p', 'q']) {
    await sql`UPDATE ${sql.table('a')} SET ${sql.id(name)} = ${name.length}, r = ${sql.lit(2 * 3)} WHERE ${ref('a.x')} = ${sql.val('it' + "'s")}`
      .execute(database)
  }
  const none = sql`${sql.ref('x')} IN (${sql.join(['m', 'n'].map((n) => n + n))})`
  await sql`DELETE FROM a WHERE ${none} AND ${sql.raw(['1', '1'].join(' = '))}`.execute(database)
  await sql`SELECT ${sql.join([sql.ref('p'), sql.ref('q')], sql` + `)} FROM ${sql.table('a')}`.execute(database)
  await sql.raw(tables.map(({ name }) => `COMMENT ON TABLE ${name} IS 'of the shop'`).join(';\n')).execute(database)
  await database.insertInto('a').values(['one', 'two'].map((x, i) => ({ x, y: i + 1, owner: null }))).execute()
  await database.updateTable('a').set((eb) => ({ y: sql`y + 1`, x: 'three' })).where('y', 'in', [1, 2].map((y) => y + 1)).execute()
  await database.updateTable('a').from('b').set((eb) => ({ y: eb.ref('b.y'), x: eb.val('four') })).whereRef('a.x', '=', 'b.x').execute()
  await database.insertInto('a').values({ x: 'one', y: 1, id: 9 })
    .onConflict((oc) => oc.columns(['i' + 'd']).doUpdateSet((eb) => ({ x: eb.ref('excluded.x') }))).execute()
  for (const all of [true, false]) await database.deleteFrom('a').$if(!all, (q) => q.where('y', '>', 10)).where('x', '=', 'no').execute()
  await database.executeQuery(database.deleteFrom('b').where('x', '=', tables[0].name).compile())
  await database.executeQuery(sql`SELECT count(*) FROM ${sql.table('b')}`.compile(database))
  await new Audit(database).addTo('a').addTo('b').run()
  await each(['x', 'y'], (column) => database.schema.alterTable('a').alterColumn(column, (col) => col.dropNotNull()).execute())
  await database.schema.createView('v').as(database.selectFrom('a').select(['x']).select([
    (eb) => sql`max(${eb.ref('y')}) + ${tables.length}`.as('most'),
  ]).groupBy(['x'])).execute()
  await database.schema.dropView('v').execute()
  const s = database.withSchema('shop'), schema = database.schema.withSchema('shop')
  await database.schema.createSchema('shop').execute()
  await schema.createType('mood').asEnum(['good', 'bad']).execute()
  await s.schema.createTable('c').addColumn('id', 'integer', (col) => col.primaryKey())
    .addColumn('parent', 'integer', (col) => col.references('c.id')).execute()
  await schema.createTable('public.d').addColumn('c', 'integer')
    .addForeignKeyConstraint('d_c', ['c'], 'c', ['id'], (cb) => cb.onDelete('cascade')).execute()
  await schema.alterTable('c').addColumn('x', 'text').execute()
  await schema.createIndex('c_x').on('c').column('x').execute()
  await s.insertInto('c').values({ id: 1, x: 'y' }).execute()
  await s.updateTable('c').set({ x: 'z' }).where('c.id', '=', 1).execute()
  await s.selectFrom('c').selectAll().execute()
  await s.updateTable('c').from('public.a as o').set({ x: 'q' }).whereRef('c.id', '=', 'o.y').execute()
  await s.deleteFrom('c').where('id', '=', 2).execute()
  await schema.dropIndex('c_x').execute()
  await schema.dropTable('public.d').execute()
  await schema.alterTable('c').renameTo('e').execute()
  await schema.dropTable('e').ifExists().execute()
  await schema.dropType('mood').execute()
  if (database.isTransaction) await database.schema.dropTable('b').execute()
  else await database.schema.dropTable('never').execute()
  await sql`select 'end'`.execute(database)
}

module.exports.down = async () => {}
