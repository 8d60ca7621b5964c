const { sql } = require('kysely')

exports.tables = ['a', 'b'].map((name) => ({ name, columns: { x: 'text', y: 'integer' } }))

exports.withOwner = (table, name = 'owner') => table.addColumn(name, 'integer', (col) => col.check(sql`${sql.ref(name)} > 0`))

// Audit adds columns to tables, one after the other.
exports.Audit = class {
  #tables = []

  constructor(db) {
    this.db = db
  }

  addTo(table) {
    this.#tables.push(table)
    return this
  }

  async run() {
    for (const table of this.#tables) {
      await this.db.schema.alterTable(table).addColumn('changed_by', 'varchar(40)').execute()
    }
  }
}

exports.each = async (list, run) => {
  for (const item of list) await run(item)
}
