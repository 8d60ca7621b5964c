const { Migration } = require('@mikro-orm/migrations')

exports.tables = ['a', 'b']

exports.Base = class extends Migration {
  addOwner(table, name = 'owner') {
    this.addSql(`ALTER TABLE ${table} ADD COLUMN ${name} integer`)
  }
}
