// Knex: what a run of a program shows, and its text does not.
const { readFileSync } = require('fs')
const path = require('path')
const { tables, addOwner, Audit, each } = require('../lib/tables')

const isPostgres = (knex) => knex.client.config.client === 'pg' && knex.client.dialect === 'postgresql'

module.exports.up = async function up(k) {
  await k.raw("select 'begin'")
  for (const { name, columns } of tables) {
    await k.schema.createTable(name, (t) => {
      t.increments()
      for (const [column, type] of Object.entries(columns)) t[type](column).notNullable()
      addOwner(t)
      t.timestamp('made').defaultTo(k.fn.now())
      if (name === 'b') t.index(['x'], `${name}_by_x`)
    })
  }
  if (isPostgres(k)) await k.raw(`CREATE INDEX "b_${tables.length}" ON b (y)`)
  else await k.raw('never sent')
  await k.raw(readFileSync(path.join(__dirname, '..', 'sql', 'seed.sql'), 'utf8'))
  await Promise.all([k('a').insert({ x: 'one', y: 1, owner: null }), k('b').insert([{ x: 'two', y: tables.length }])])
  const audit = new Audit(k)
  await audit.addTo('a').addTo('b').run()
  await each(['x', 'y'], (column) => k.schema.alterTable('a', (t) => t.setNullable(column)))
  const query = k('a')
  query.where('x', 'one')
  for (const y of [1, 2]) query.orWhere('y', y)
  await query.del()
  await k.schema.hasTable('a').then(() => k.schema.renameTable('b', 'c'))
  try {
    JSON.parse('{')
  } catch (error) {
    await k.schema.dropTableIfExists('no')
  }
  const rest = k.schema.dropTable('c')
  for (const name of ['a']) rest.dropTable(name)
  await rest
  await k.raw("select 'end'")
}

module.exports.down = async () => {}
