// MikroORM: what a run of a program shows, and its text does not.
const { tables, Base } = require('../lib/tables')

const Migration = Base

module.exports.Migration20240101000000 = class Migration20240101000000 extends Migration {
  columns = Object.entries({ x: 'text', y: 'integer' })

  async up() {
    this.addSql("select 'begin'")
    for (const name of tables) this.create(name)
    await this.later(() => this.addSql(`ALTER TABLE ${tables[0]} ADD COLUMN z text`))
    this.addSql(['CREATE INDEX ON a (x)', 'CREATE INDEX ON b (y)'].join(';\n'))
    if (this.isTransactional()) this.addSql('DROP TABLE ' + tables.at(-1))
    this.addSql("select 'end'")
  }

  create(name) {
    this.addSql(`CREATE TABLE ${name} (${this.columns.map(([c, type]) => `${c} ${type}`).join(', ')})`)
    this.addOwner(name)
  }

  async later(run) {
    await null
    run()
  }
}
