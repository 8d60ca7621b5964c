exports.tables = ['a', 'b'].map((name) => ({ name, columns: { x: 'text', y: 'integer' } }))

exports.addOwner = (table, name = 'owner') => {
  table.integer(name).nullable()
}

// Audit adds columns to tables, one after the other.
exports.Audit = class {
  #tables = []

  constructor(knex) {
    this.knex = knex
  }

  addTo(table) {
    this.#tables.push(table)
    return this
  }

  async run() {
    for (const table of this.#tables) {
      await this.knex.schema.alterTable(table, (t) => {
        t.string('changed_by', 40)
      })
    }
  }
}

exports.each = async (list, run) => {
  for (const item of list) await run(item)
}
