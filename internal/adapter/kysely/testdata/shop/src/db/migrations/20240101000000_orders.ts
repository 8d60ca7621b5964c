import { type Kysely, sql } from "kysely";

export async function up(db: Kysely<any>): Promise<void> {
  await db.schema
    .createTable("orders")
    .addColumn("id", "bigint", (col) => col.primaryKey().generatedAlwaysAsIdentity())
    .addColumn("note", "text")
    .addColumn("tags", sql`text[]`)
    .execute();
  await sql`COMMENT ON TABLE orders IS 'one row an order'`.execute(db);
}

export async function down(db: Kysely<any>): Promise<void> {
  await db.schema.dropTable("way_down").execute();
}
