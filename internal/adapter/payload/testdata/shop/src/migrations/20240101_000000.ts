import { MigrateUpArgs, MigrateDownArgs, sql } from '@payloadcms/db-postgres'

export async function up({ db, payload, req }: MigrateUpArgs): Promise<void> {
  await db.execute(sql`
   CREATE TYPE "public"."enum_orders_state" AS ENUM('new', 'done');
  CREATE TABLE "orders" (
  	"id" serial PRIMARY KEY NOT NULL,
  	"state" "enum_orders_state" DEFAULT 'new'
  );
  `)
}

export async function down({ db, payload, req }: MigrateDownArgs): Promise<void> {
  await db.execute(sql`DROP TABLE "way_down" CASCADE;`)
}
