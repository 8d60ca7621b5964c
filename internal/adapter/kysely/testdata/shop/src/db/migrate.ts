import { Kysely, Migrator, PostgresDialect } from "kysely";

export const migrator = new Migrator({ db: new Kysely({ dialect: new PostgresDialect({}) }), provider });
