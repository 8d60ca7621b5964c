// node-pg-migrate: the methods of its builder, with their options, in loops and by functions of other files.
const { PgLiteral } = require('node-pg-migrate')
const { names, withStamps } = require('../lib/tables')

exports.shorthands = {
  key: { type: 'uuid', primaryKey: true, default: new PgLiteral('gen_random_uuid()') },
  label: { type: 'string', notNull: true }, note: 'label',
}

exports.up = async (builder) => {
  builder.sql("select 'begin'")
  for (const name of names) builder.createTable(name, { id: 'id', title: 'label', n: { type: 'int', default: 1 } })
  builder.createSchema('shop', { ifNotExists: true })
  const orders = { schema: 'shop', name: 'orders' }
  builder.createTable(orders, withStamps(builder, {
    id: 'key', text: { type: 'note', comment: "it's here" }, state: { type: 'varchar(20)', check: "state <> ''", collation: '"C"' },
    a: { type: 'integer', references: 'a', onDelete: 'cascade', onUpdate: 'restrict', match: 'simple', deferrable: true, deferred: true },
    b: { type: 'integer', references: '"b"(id)', referencesConstraintName: 'to_b', referencesConstraintComment: 'the other' },
    tags: { type: 'text', array: true, default: '{}' }, box: { type: 'integer', array: 3 }, list: { type: 'int[]', default: [1, 2] },
    no: { type: 'integer', sequenceGenerated: { precedence: 'BY DEFAULT', start: 10, increment: 2, maxvalue: 900, cycle: false } },
    twice: { type: 'integer', expressionGenerated: '2 * a' }, none: { type: 'text', default: null, unique: true }, flag: { type: 'bool', default: true },
  }), { comment: 'of the shop', ifNotExists: true, constraints: {
    unique: [['state', 'a'], ['b']], check: ['a > 0', 'b > 0'], foreignKeys: [{ columns: ['a'], references: 'a(id)', onDelete: 'SET NULL' }],
  } })
  builder.createTable('pair', { x: { type: 'int', primaryKey: true }, y: { type: 'int', primaryKey: true } }, { unlogged: true })
  builder.createTable('copy', {}, { like: { table: orders, options: { including: ['COMMENTS', 'DEFAULTS'], excluding: 'INDEXES' } } })
  builder.createTable('parts', { at: 'timestamptz', k: 'datetime' }, { partition: { strategy: 'RANGE', columns: ['at', { name: 'k' }] } })
  builder.createTable('child', { more: 'double' }, { inherits: 'pair' })
  builder.createTable('scratch', { x: 'float' }, { temporary: true })
  builder.renameTable('copy', 'copies')
  builder.alterTable('pair', { levelSecurity: 'ENABLE' })
  builder.alterTable('pair', { unlogged: false })
  builder.addColumns('a', { p: { type: 'text', comment: 'p' }, q: 'jsonb' })
  builder.addColumn('a', { r: { type: 'integer', notNull: true, default: 0 } }, { ifNotExists: true })
  builder.dropColumns('a', ['p', 'q'], { ifExists: true, cascade: true })
  builder.dropColumns('copies', { flag: 'bool', none: 'text' })
  builder.dropColumn('a', 'r')
  builder.renameColumn('a', 'n', 'count')
  builder.alterColumn('a', 'count', { type: 'bigint', using: 'count::bigint', notNull: true, default: null, comment: null })
  builder.alterColumn('a', 'count', { allowNull: true, default: 5 })
  builder.alterColumn('a', 'title', { notNull: false, type: 'string', collation: '"C"' })
  builder.alterColumn(orders, 'no', { sequenceGenerated: false })
  builder.alterColumn('a', 'id', { comment: 'the key' })
  builder.addConstraint('a', 'a_count', 'CHECK ("count" > 0) NOT VALID')
  builder.addConstraint('a', 'a_more', { unique: ['title', 'count'], deferrable: true, comment: 'two' })
  builder.createConstraint('b', null, { check: 'n > 0' })
  builder.addConstraint('b', 'b_a', { foreignKeys: { columns: 'n', references: 'a (id)', onDelete: 'CASCADE' } })
  builder.addConstraint('b', 'b_x', { exclude: 'USING btree (n WITH =)' })
  builder.renameConstraint('a', 'a_count', 'a_counted')
  builder.dropConstraint('a', 'a_counted', { ifExists: true, ifTableExists: true, cascade: true })
  for (const column of ['title', 'count']) builder.createIndex('a', column)
  builder.createIndex('a', ['title', { name: 'count', sort: 'DESC' }], {
    unique: true, where: 'count > 1', include: 'id', ifNotExists: true, nulls: 'not distinct',
  })
  builder.addIndex(orders, ['state', 'lower(state)'], { name: 'by_state', method: 'btree' })
  builder.createIndex(orders, { name: 'text', opclass: 'text_pattern_ops' })
  builder.createIndex('b', [builder.func('(n + 1)')], { name: 'b_more' })
  builder.renameIndex('b_more', 'b_most')
  builder.dropIndex('a', 'title', { ifExists: true, cascade: true })
  builder.dropIndex('b', [], { name: 'b_most' })
  builder.dropIndex(orders, 'x', { name: 'by_state' })
  builder.createType('mood', ['good', 'bad'])
  builder.addType('pair_of', { x: 'int', y: 'label' })
  builder.addTypeValue('mood', 'fair', { after: 'good', ifNotExists: true })
  builder.renameTypeValue('mood', 'fair', 'so')
  builder.renameType('mood', 'moods')
  builder.addTypeAttribute('pair_of', 'z', 'string')
  builder.setTypeAttribute('pair_of', 'z', 'bool')
  builder.renameTypeAttribute('pair_of', 'z', 'w')
  builder.dropTypeAttribute('pair_of', 'w')
  builder.dropType(['moods', 'pair_of'][0], { ifExists: true, cascade: true })
  builder.createDomain('positive', 'integer', { check: 'VALUE > 0', constraintName: 'more', default: 1 })
  builder.alterDomain('positive', { notNull: true, default: null })
  builder.renameDomain('positive', 'natural')
  builder.dropDomain('natural', { ifExists: true })
  builder.createSequence('numbers', { start: 5, cache: 2, minvalue: null, owner: 'a.id', type: 'bigint' })
  builder.alterSequence('numbers', { restart: 7, cycle: true })
  builder.renameSequence('numbers', 'digits')
  builder.dropSequence('digits', { cascade: true })
  builder.createFunction('plus', ['integer', { name: 'b', type: 'integer', mode: 'IN', default: 2 }], {
    returns: 'integer', language: 'sql', behavior: 'IMMUTABLE', replace: true, parallel: 'SAFE', onNull: true,
    security: 'DEFINER', set: [{ configurationParameter: 'search_path', value: 'public' }],
  }, 'SELECT $1 + b')
  builder.renameFunction('plus', ['integer', 'integer'], 'sum_of')
  builder.dropFunction('sum_of', ['integer', { type: 'integer', default: 1 }], { ifExists: true })
  builder.createTrigger('a', 'stamp', { when: 'BEFORE', operation: ['INSERT', 'UPDATE'], level: 'ROW', language: 'plpgsql', condition: 'NEW.count > 0' },
    'BEGIN RETURN NEW; END')
  builder.createTrigger('a', 'later', {
    constraint: true, deferrable: true, deferred: true, operation: 'DELETE', level: 'ROW', function: 'stamp', functionParams: ['x', 1],
  })
  builder.renameTrigger('a', 'later', 'latest')
  builder.dropTrigger('a', 'latest', { ifExists: true })
  builder.createPolicy('a', 'mine', { command: 'SELECT', using: 'true', role: ['PUBLIC'] })
  builder.alterPolicy('a', 'mine', { using: 'count > 0' })
  builder.renamePolicy('a', 'mine', 'own')
  builder.dropPolicy('a', 'own', { ifExists: true })
  builder.createView('v', { columns: ['x', 'y'], replace: true, options: { security_barrier: true }, checkOption: 'LOCAL' }, 'SELECT id, title FROM a')
  builder.alterView('v', { checkOption: 'CASCADED' })
  builder.alterViewColumn('v', 'y', { default: 'none' })
  builder.renameView('v', 'w')
  builder.dropView('w', { ifExists: true })
  builder.createMaterializedView('m', { data: false, storageParameters: { fillfactor: 70 } }, 'SELECT id FROM a')
  builder.refreshMaterializedView('m')
  builder.renameMaterializedViewColumn('m', 'id', 'key')
  builder.renameMaterializedView('m', 'o')
  builder.dropMaterializedView('o', { cascade: true })
  builder.createExtension('plpgsql', { ifNotExists: true, schema: 'pg_catalog' })
  builder.sql('UPDATE {table} SET title = {value} WHERE count > {n}', { table: 'a', value: builder.func("'it$'"), n: 3 })
  builder.sql(names.map((name) => `COMMENT ON TABLE "${name}" IS 'of ${name}'`).join(';\n'))
  builder.renameSchema('shop', 'store')
  builder.dropSchema('store', { cascade: true, ifExists: true })
  builder.dropTable('a', { cascade: true, ifExists: true })
  builder.sql("select 'end'")
}

exports.down = false
