// All that onward reads of Sequelize's query interface.
module.exports = {
  async up(queryInterface, Sequelize) {
    const DataTypes = Sequelize.DataTypes
    await queryInterface.sequelize.query("select 'begin'")
    await queryInterface.createSchema('shop')
    await queryInterface.createTable('users', {
      id: { type: Sequelize.INTEGER, primaryKey: true, autoIncrement: true, allowNull: false },
      email: { type: Sequelize.STRING, allowNull: false, unique: true },
      code: Sequelize.STRING(10),
      letters: { type: Sequelize.CHAR(4), defaultValue: "it's" },
      bio: { type: DataTypes.TEXT('long'), comment: "the user's text" },
      citizen: { type: Sequelize.BOOLEAN, allowNull: false, defaultValue: false },
      age: { type: Sequelize.INTEGER.UNSIGNED, defaultValue: 0 },
      small: Sequelize.SMALLINT,
      big: { type: Sequelize.BIGINT, defaultValue: null },
      real: Sequelize.REAL,
      double: Sequelize.DOUBLE,
      float: Sequelize.FLOAT(20),
      total: { type: Sequelize.DECIMAL(10, 2), defaultValue: 1.5 },
      any: Sequelize.DECIMAL,
      rough: Sequelize.DECIMAL(10, 0),
      day: Sequelize.DATEONLY,
      hour: Sequelize.TIME,
      settings: { type: Sequelize.JSONB, allowNull: false, defaultValue: { a: [1, 'x'] } },
      plain: Sequelize.JSON,
      token: { type: Sequelize.UUID, defaultValue: Sequelize.literal('gen_random_uuid()') },
      made: { type: Sequelize.UUID, defaultValue: Sequelize.UUIDV4 },
      tags: { type: Sequelize.ARRAY(Sequelize.STRING), defaultValue: [] },
      bytes: Sequelize.BLOB,
      address: Sequelize.INET,
      words: { type: 'TSVECTOR' },
      state: { type: Sequelize.ENUM('new', "o'ld"), defaultValue: 'new', allowNull: false },
      moods: Sequelize.ARRAY(Sequelize.ENUM({ values: ['good'] })),
      kind: { type: Sequelize.ENUM, values: ['a', 'b'] },
      createdAt: { type: Sequelize.DATE, allowNull: false, defaultValue: Sequelize.fn('now') },
      updatedAt: { type: Sequelize.DATE, allowNull: false, defaultValue: Sequelize.NOW },
    }, { comment: 'people', uniqueKeys: { once: { fields: ['code', 'day'] } } })
    await queryInterface.createTable('items', {
      id: { type: Sequelize.BIGINT, primaryKey: true, autoIncrement: true },
      part: { type: Sequelize.SMALLINT, primaryKey: true },
      userId: { type: Sequelize.INTEGER, references: { model: 'users', key: 'id' }, onDelete: 'cascade', onUpdate: 'CASCADE' },
      other: { field: 'other_id', type: Sequelize.INTEGER, references: { model: { tableName: 'users' }, deferrable: Sequelize.Deferrable.INITIALLY_DEFERRED } },
    })
    await queryInterface.createTable({ tableName: 'lists', schema: 'shop' }, { id: { type: DataTypes.UUID, primaryKey: true } })
    await queryInterface.addColumn('users', 'nick', Sequelize.STRING)
    await queryInterface.addColumn('users', 'level', { type: Sequelize.ENUM('l', 'm'), defaultValue: 'l' })
    await queryInterface.addColumn('users', 'note', { type: Sequelize.TEXT, allowNull: false, defaultValue: '', comment: 'a note' })
    await queryInterface.addColumn({ tableName: 'lists', schema: 'shop' }, 'name', { type: Sequelize.STRING, unique: true })
    await queryInterface.addColumn('items', 'third', { type: Sequelize.INTEGER, references: { model: 'users', key: 'id' }, onDelete: 'SET NULL' })
    await queryInterface.changeColumn('users', 'nick', { type: Sequelize.TEXT, allowNull: false })
    await queryInterface.changeColumn('users', 'code', { type: Sequelize.STRING(20), allowNull: true, defaultValue: 'x' })
    await queryInterface.changeColumn('users', 'age', { type: Sequelize.BIGINT, defaultValue: 5, allowNull: false })
    await queryInterface.changeColumn('users', 'small', { type: Sequelize.SMALLINT, unique: true })
    await queryInterface.changeColumn('users', 'note', { type: Sequelize.ENUM('n'), allowNull: true })
    await queryInterface.changeColumn('items', 'third', { type: Sequelize.INTEGER, allowNull: false, references: { model: 'users', key: 'id' }, onDelete: 'CASCADE' })
    await queryInterface.changeColumn('users', 'bio', Sequelize.TEXT)
    await queryInterface.renameColumn('users', 'nick', 'nickName')
    await queryInterface.addIndex('users', ['nickName', 'createdAt'])
    await queryInterface.addIndex('users', ['email'], { name: 'by_email', unique: true, concurrently: true })
    await queryInterface.addIndex('users', { fields: ['day', { name: 'hour', order: 'DESC' }], type: 'UNIQUE' })
    await queryInterface.addIndex('users', ['settings'], { using: 'gin', operator: 'jsonb_path_ops' })
    await queryInterface.addIndex('users', ['code'], { name: 'open_codes', where: { big: null, citizen: false } })
    await queryInterface.addIndex('users', ['total'], { name: 'one', where: { code: 'x' } })
    await queryInterface.addIndex('users', [Sequelize.fn('lower', Sequelize.col('email'))], { name: 'lower_email' })
    await queryInterface.addIndex({ tableName: 'lists', schema: 'shop' }, ['name'])
    await queryInterface.addIndex('users', { fields: [{ attribute: 'bio', collate: 'C', operator: 'text_pattern_ops' }], name: 'bios' })
    await queryInterface.removeIndex('users', ['nickName', 'createdAt'])
    await queryInterface.removeIndex('users', 'by_email', { concurrently: true })
    await queryInterface.addConstraint('users', { fields: ['nickName'], type: 'unique' })
    await queryInterface.addConstraint('users', { fields: ['nickName', 'day'], type: 'unique', name: 'names', deferrable: Sequelize.Deferrable.INITIALLY_IMMEDIATE })
    await queryInterface.addConstraint('users', { fields: ['code'], type: 'check', where: { code: ['x', 'y'] } })
    await queryInterface.addConstraint('items', { fields: ['part'], type: 'FOREIGN KEY', references: { table: 'users', field: 'id' }, onDelete: 'cascade' })
    await queryInterface.addConstraint('items', { fields: ['userId'], type: 'foreign key', name: 'second', references: { table: 'users', fields: ['id'] } })
    await queryInterface.removeConstraint('users', 'names')
    await queryInterface.removeColumn('users', 'hour')
    await queryInterface.removeColumn({ tableName: 'lists', schema: 'shop' }, 'name')
    await queryInterface.renameTable('items', 'things')
    await queryInterface.bulkInsert('users', [{ id: 1, email: "a'b", nickName: 'n', age: 3, updatedAt: Sequelize.literal('now()') }, { id: 2, email: 'c', nickName: 'o', age: 4, updatedAt: Sequelize.fn('now'), code: 'x' }], { ignoreDuplicates: true })
    await queryInterface.bulkUpdate('users', { code: 'y', age: 4, citizen: true, day: null }, { id: 1, big: null })
    await queryInterface.bulkUpdate('users', { code: 'x' }, {})
    await queryInterface.bulkDelete('users', { email: "a'b", citizen: true })
    await queryInterface.bulkDelete('things', null, {})
    await queryInterface.dropTable('things', { cascade: true })
    await queryInterface.dropTable({ tableName: 'lists', schema: 'shop' })
    await queryInterface.dropSchema('shop')
    await queryInterface.sequelize.transaction(async (transaction) => {
      await queryInterface.removeColumn('users', 'float', { transaction })
      await queryInterface.sequelize.query('  UPDATE users SET real = 1  ', { transaction })
    })
    await queryInterface.sequelize.query("select 'end'")
  },
  async down() {},
}
