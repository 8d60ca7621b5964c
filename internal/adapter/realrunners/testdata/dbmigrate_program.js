// db-migrate: the methods of its driver for Postgres, with promises and with callbacks, in loops and by functions of other files.
'use strict'
var dbm, type
var fs = require('fs')
var path = require('path')
const { names, columns } = require('../lib/tables')

exports.setup = function (options) {
  dbm = options.dbmigrate
  type = dbm.dataType
}

const whenCalled = (f) => new Promise((yes, no) => f((error, result) => (error ? no(error) : yes(result))))

exports.up = async function (driver) {
  await driver.runSql("select 'begin'")
  for (const name of names) await driver.createTable(name, columns(type))
  await driver.createTable('orders', {
    columns: {
      id: { type: type.BIGINT, primaryKey: true, autoIncrement: true }, note: 'text', state: { type: 'string', length: 20, notNull: true, defaultValue: 'new' },
      a: { type: 'int', unsigned: true, foreignKey: { name: 'to_a', table: 'a', mapping: 'id', rules: { onDelete: 'CASCADE', onUpdate: 'RESTRICT' } } },
      b: { type: 'int', comment: 'the other', foreignKey: { name: 'to_b', table: 'b', mapping: { b: 'id' } } },
      made: { type: 'timestamptz', defaultValue: { special: 'CURRENT_TIMESTAMP' } }, at: { type: 'datetime', timezone: true, defaultValue: { raw: 'now()' } },
      data: { type: type.BLOB }, doc: 'jsonb', n: { type: 'decimal', length: '10,2', defaultValue: 0, unique: true },
      flag: { type: 'boolean', defaultValue: false },
    },
    ifNotExists: true,
  })
  await driver.createTable('pair', { x: { type: 'int', primaryKey: true }, y: { type: 'int', primaryKey: true } })
  await driver.addColumn('a', 'note', { type: 'string', defaultValue: "none", notNull: true, comment: 'a note' })
  await driver.addColumn('a', 'other', { type: 'int', foreignKey: { name: 'a_other', table: 'b', mapping: 'id', rules: {} } })
  await driver.renameColumn('a', 'note', 'text')
  await driver.changeColumn('a', 'text', { type: 'text', notNull: false, unique: true })
  await driver.changeColumn('a', 'text', { notNull: true, defaultValue: 'x', unique: false })
  await driver.changeColumn('a', 'other', { type: 'bigint', defaultValue: 5 })
  await driver.changeColumn('a', 'text', { type: 'string', length: 30, using: 'USING "text"::varchar(30)' })
  await driver.addIndex('a', 'a_text', ['text', 'other'], true)
  await driver.addIndex('a', 'a_other_i', 'other')
  await driver.removeIndex('a', 'a_other_i')
  await driver.removeIndex('a_text')
  await driver.addForeignKey('pair', 'a', 'pair_a', { x: 'id' }, { onDelete: 'SET NULL' })
  await driver.removeForeignKey('pair', 'pair_a')
  await driver.insert('a', ['text', 'other'], ["it's", null])
  await driver.runSql('UPDATE a SET text = ?, other = ? WHERE text = ?', ["o'clock", null, 'none'])
  await driver.runSql(fs.readFileSync(path.join(__dirname, 'sqls', 'program-up.sql'), { encoding: 'utf-8' }))
  await whenCalled((done) => fs.readFile(path.join(__dirname, 'sqls/program-up.sql'), { encoding: 'utf-8' }, (error, data) => {
    if (error) return done(error)
    driver.runSql(data, done)
  }))
  await whenCalled((done) => driver.createTable('called', { id: 'int' }, done))
  await driver.insert('called', ['id'], [7], () => {}) // db-migrate never calls it
  await whenCalled((done) => driver.all('SELECT count(*) FROM called', done))
  await whenCalled((done) => driver.renameTable('called', 'told', done))
  await whenCalled((done) => driver.dropTable('told', { ifExists: true }, done))
  await driver.removeColumn('a', 'other')
  await driver.dropTable('pair')
  await driver.runSql("select 'end'")
}

exports.down = function () {
  return null
}

exports._meta = { version: 1 }
