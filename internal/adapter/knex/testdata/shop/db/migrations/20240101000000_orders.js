/** @param {import("knex").Knex} knex */
exports.up = function (knex) {
  return knex.schema
    .raw('CREATE TABLE "order" ("id" serial PRIMARY KEY, "note" text, "tags" jsonb)')
    .raw(`COMMENT ON TABLE "order" IS 'one row an order'`)
}

exports.down = (knex) => knex.raw('DROP TABLE "way_down"')
