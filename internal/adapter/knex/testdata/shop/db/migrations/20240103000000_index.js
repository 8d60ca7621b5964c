exports.up = async (knex) => {
  await knex.raw('CREATE INDEX CONCURRENTLY "order_note" ON "order" ("note")')
}

exports.down = async (knex) => { await knex.raw('DROP INDEX "way_down"') }

exports.config = { transaction: false }
