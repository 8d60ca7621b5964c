import type { Knex } from "knex";

const table = "order";

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`UPDATE "${table}" SET "note" = '' WHERE "tags" \\? 'old'`);
  if (await knex.schema.hasColumn("order", "total")) {
    return;
  }
  await knex.schema.raw('ALTER TABLE "order" ADD "total" int');
  await knex.raw("UPDATE ?? SET total = ?", ["order", 0]);
  await knex.schema.alterTable("order", (t) => t.integer("sum"));
  await knex.schema.alterTable("order", (t) => t.integer(`sum${new Date()}`));
  await knex(table).where({ note: null }).update({ note: "none" });
  knex.raw("SELECT 'nobody awaits this'");
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw("SELECT 'way_down'");
}
