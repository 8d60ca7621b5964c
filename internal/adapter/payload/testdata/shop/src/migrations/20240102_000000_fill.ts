import { MigrateUpArgs, MigrateDownArgs, sql } from '@payloadcms/db-postgres'

const tables = ['orders']

export async function up({ db, payload, req }: MigrateUpArgs): Promise<void> {
  for (const table of tables) {
    await db.execute(sql`ALTER TABLE ${sql.identifier(table)} ADD COLUMN "note" varchar`)
    await db.execute(sql.raw(`CREATE INDEX "${table}_note" ON "${table}" ("note")`))
  }
  await db.execute(sql`UPDATE "orders" SET "note" = ${'none'} WHERE "note" IS NULL`)
  const { rows } = await db.execute(sql`SELECT "id" FROM "orders"`)
  for (const row of rows) {
    await payload.update({ collection: 'orders', id: row.id, data: {}, req })
  }
}

export async function down({ db }: MigrateDownArgs): Promise<void> {
  await db.execute(sql`SELECT way_down`)
}
