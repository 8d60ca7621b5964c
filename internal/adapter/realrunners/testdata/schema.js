const { Table, TableColumn, TableIndex, TableForeignKey, TableUnique, TableCheck } = require('typeorm')

const orders = new Table({
  name: 'orders',
  columns: [
    { name: 'id', type: 'int', isPrimary: true, isGenerated: true, generationStrategy: 'increment' },
    { name: 'state', type: 'enum', enum: ['new', "it's"], default: "'new'" },
    { name: 'email', type: 'varchar', length: '255', isUnique: true, isNullable: true },
    { name: 'total', type: 'numeric', precision: 10, scale: 2, default: 0, comment: "the customer's total" },
    { name: 'tags', type: 'text', isArray: true, isNullable: true },
    { name: 'createdAt', type: 'timestamp with time zone', precision: 3, default: 'now()' },
  ],
  indices: [{ columnNames: ['email', 'total'] }, { name: 'orders_open', columnNames: ['total'], where: '"state" = \'new\'' }],
  checks: [{ expression: '"total" >= 0' }],
  uniques: [new TableUnique({ columnNames: ['total', 'email'] })],
})

module.exports.X = class Schema1700000000002 {
  name = 'Schema1700000000002'
  async up(queryRunner) {
    await queryRunner.createTable(orders, true)
    await queryRunner.createTable(
      new Table({
        name: 'public.items',
        columns: [
          new TableColumn({ name: 'id', type: 'bigint', isPrimary: true, isGenerated: true, generationStrategy: 'identity' }),
          new TableColumn({ name: 'part', type: 'smallint', isPrimary: true }),
          new TableColumn({ name: 'orderId', type: 'int' }),
        ],
        foreignKeys: [
          { columnNames: ['orderId'], referencedTableName: 'orders', referencedColumnNames: ['id'], onDelete: 'CASCADE', onUpdate: 'NO ACTION' },
        ],
      }),
    )
    await queryRunner.addColumn('items', new TableColumn({ name: 'note', type: 'varchar', isNullable: true, comment: 'a note' }))
    await queryRunner.addColumns('items', [
      new TableColumn({ name: 'code', type: 'character varying', length: '10', isUnique: true, isNullable: true }),
      new TableColumn({ name: 'kind', type: 'enum', enum: ['a', 'b'], enumName: 'item_kind', default: "'a'" }),
    ])
    await queryRunner.createIndex('items', new TableIndex({ name: 'items_note', columnNames: ['note', 'code'], isUnique: true }))
    await queryRunner.createIndices('items', [new TableIndex({ columnNames: ['orderId', 'note'], where: '"note" IS NOT NULL' })])
    await queryRunner.createForeignKey(
      'items',
      new TableForeignKey({ columnNames: ['part'], referencedTableName: 'orders', referencedColumnNames: ['id'], onDelete: 'SET NULL' }),
    )
    await queryRunner.createUniqueConstraint('items', new TableUnique({ name: 'items_code', columnNames: ['code', 'kind'], deferrable: 'INITIALLY DEFERRED' }))
    await queryRunner.createCheckConstraint('items', new TableCheck({ name: 'items_part', expression: '"part" > 0' }))
    await queryRunner.createCheckConstraint('items', new TableCheck({ expression: '"part" < 99' }))
    await queryRunner.dropIndex('items', 'items_note')
    await queryRunner.dropCheckConstraint('items', 'items_part')
    await queryRunner.dropUniqueConstraint('items', 'items_code')
    await queryRunner.dropColumn('items', 'note')
    await queryRunner.dropColumns('items', ['part'])
    await queryRunner.renameColumn('orders', 'tags', 'labels')
    await queryRunner.createTable(new Table({ name: 'gone', columns: [{ name: 'id', type: 'int' }] }))
    await queryRunner.clearTable('gone')
    await queryRunner.renameTable('gone', 'past')
    await queryRunner.dropTable('past')
  }
  async down() {}
}
