import { MigrateUpArgs, sql } from '@payloadcms/db-postgres'

export async function up({ db, payload, req }: MigrateUpArgs): Promise<void> {
  const { drizzle } = req.payload.db
  await drizzle.execute(sql`CREATE INDEX CONCURRENTLY "orders_state" ON "orders" ("state")`)
  await drizzle.transaction(async (tx) => {
    await tx.execute(sql`UPDATE "orders" SET "note" = ''`)
  })
  await payload.db.execute({ drizzle: payload.db.drizzle, sql: sql`DELETE FROM "orders" WHERE "note" = ${'x'}` })
  await db.execute(sql`ALTER TABLE "orders" DROP COLUMN "note"`)
  await db.transaction(async (tx) => {
    await tx.execute(sql`DELETE FROM "orders"`)
  })
  await payload.db.pool.query('DROP TABLE "orders"')
  await payload.db.sessions[await req.transactionID].db.execute(sql`SELECT 1`)
}
