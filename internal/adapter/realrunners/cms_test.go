package realrunners

import "testing"

// TestPayloadOnServer compares onward's findings with what Payload does.
func TestPayloadOnServer(t *testing.T) {
	t.Parallel()
	migration := func(body string) string {
		return "import { sql } from '@payloadcms/db-postgres'\nexport async function up({ db, payload, req }) {\n  " + body + "\n}\n"
	}
	query := func(handle, text string) string { return "await " + handle + ".execute(sql`" + text + "`)" }
	const first, second, third = "src/migrations/20240101_000000_a.ts", "src/migrations/20240102_000000_b.ts", "src/migrations/20240103_000000_c.ts"
	const index, pool = "CREATE INDEX CONCURRENTLY ON t (id)", "payload.db.drizzle"
	base := map[string]string{
		"package.json":            `{"type": "module", "dependencies": {"payload": "3.90.2", "@payloadcms/db-postgres": "3.90.2"}}`,
		first:                     migration(query("db", "CREATE TYPE e AS ENUM ('x'); CREATE TABLE a (e e);")),
		"src/migrations/index.ts": "import * as a from './20240101_000000_a'\n\nexport const migrations = [{ up: a.up, name: '20240101_000000_a' }]\n",
	}
	bare := both(base, map[string]string{
		"payload.json": `{"transactionOptions": false}`,
		"src/payload.config.ts": "import { postgresAdapter } from '@payloadcms/db-postgres'\n" +
			"export default { db: postgresAdapter({ transactionOptions: false, pool: {} }) }\n",
	})
	release := func(body string) map[string]string { return map[string]string{second: migration(body)} }
	value := "ALTER TYPE e ADD VALUE 'y'"
	use, drop := "INSERT INTO a VALUES (${'y'})", query("db", "ALTER TABLE a DROP x")
	exercise(t, "src/migrations", table, map[string]releaseCase{
		"a transaction":          {base: base, head: release(query("db", index)), fails: inBlock},
		"another connection":     {base: base, head: release(query(pool, index))},
		"of the request":         {base: base, head: release(query("req."+pool, index))},
		"one message on it":      {base: base, head: release(query(pool, "SELECT 1; "+index)), fails: inBlock},
		"a transaction on it":    {base: base, head: release("await " + pool + ".transaction(async (tx) => {\n" + query("tx", index) + "\n})"), fails: inBlock},
		"the pool":               {base: base, head: release("await payload.db.pool.query('" + index + "')")},
		"Payload's own function": {base: base, head: release("await payload.db.execute({ drizzle: " + pool + ", raw: '" + index + "' })")},
		"no transaction":         {base: bare, head: release(query("db", index))},
		"a savepoint": {
			base: base, fails: "unsafe use of new value",
			head: release(query("db", value) + "\nawait db.transaction(async (tx) => {\n" + query("tx", use) + "\n})"),
		},
		"first another connection": {base: base, head: release(query(pool, value) + "\n" + query("db", use))},
		"each its own":             {base: base, head: both(release(query("db", value)), map[string]string{third: migration(query("db", use))})},
		"a table twice":            {base: base, head: release(query("db", "CREATE TABLE a (id int)")), fails: "already exists"},
		"a missing column":         {base: base, head: release(query(pool, "ALTER TABLE a DROP COLUMN x")), fails: "does not exist"},
		"another ending":           {base: base, head: map[string]string{"src/migrations/20240102_000000_b.mts": migration(drop)}},
		"edited":                   {base: base, head: map[string]string{first: migration(query("db", "SELECT 1/0"))}},
		"gone":                     {base: base, head: both(release(query("db", "SELECT 1")), map[string]string{first: gone, "src/migrations/index.ts": gone})},
		"out of order":             {base: base, head: map[string]string{"src/migrations/20230101_000000_z.ts": migration(query("db", "SELECT 1"))}},
	}, runNodeTool("payload", "payload.cjs")(t))
}

// TestStrapiOnServer compares onward's findings with what Strapi does.
func TestStrapiOnServer(t *testing.T) {
	t.Parallel()
	migration := func(body string) string {
		return "module.exports = {\n  async up(knex, db) {\n    " + body + "\n  },\n}\n"
	}
	raw := func(handle, text string) string { return "await " + handle + ".raw(`" + text + "`)" }
	const dir = "database/migrations/"
	const first, second, third = dir + "2024.01.01T00.00.00.a.js", dir + "2024.01.02T00.00.00.b.js", dir + "2024.01.03T00.00.00.c.js"
	const index = "CREATE INDEX CONCURRENTLY ON t (id)"
	base := map[string]string{
		"package.json": `{"dependencies": {"@strapi/strapi": "5.54.0", "pg": "8.16.3"}}`,
		first:          migration(raw("knex", "CREATE TYPE e AS ENUM ('x'); CREATE TABLE a (e e)")),
	}
	release := func(body string) map[string]string { return map[string]string{second: migration(body)} }
	value, use := raw("knex", "ALTER TYPE e ADD VALUE 'y'"), "INSERT INTO a VALUES ('y')"
	exercise(t, "database/migrations", table, map[string]releaseCase{
		"a transaction":      {base: base, head: release(raw("knex", index)), fails: inBlock},
		"another connection": {base: base, head: release(raw("strapi.db.connection", index))},
		"of the argument":    {base: base, head: release(raw("db.getConnection()", index))},
		"a file of SQL":      {base: base, head: map[string]string{dir + "2024.01.02T00.00.00.b.sql": index}, fails: inBlock},
		"a savepoint": {
			base: base, fails: "unsafe use of new value",
			head: release(value + "\nawait knex.transaction(async (trx) => {\n" + raw("trx", use) + "\n})"),
		},
		"Strapi's transaction": {
			base: base, fails: "unsafe use of new value",
			head: release(value + "\nawait strapi.db.transaction(async ({ trx }) => {\n" + raw("trx", use) + "\n})"),
		},
		"a transaction on the other connection": {
			base: base, fails: inBlock,
			head: release("await strapi.db.connection.transaction(async (trx) => {\n" + raw("trx", index) + "\n})"),
		},
		"each its own": {base: base, head: both(release(value), map[string]string{third: migration(raw("knex", use))})},
		"a condition": {base: base, head: release(
			"if (strapi.db.config.connection.client === 'postgres') " + raw("knex", "ALTER TABLE a DROP COLUMN x"),
		), fails: "does not exist"},
		"a condition on the dialect": {base: base, head: release("if (db.dialect.client !== 'postgres') " + raw("knex", "ALTER TABLE a DROP COLUMN x"))},
		"a table twice":              {base: base, head: release("await knex.schema.createTable('a', (t) => t.increments())"), fails: "already exists"},
		"TypeScript": {base: base, head: map[string]string{
			dir + "2024.01.02T00.00.00.b.ts": "export async function up(knex) {\n  " + raw("knex", "ALTER TABLE a DROP x") + "\n}\n",
		}},
		"edited":       {base: base, head: map[string]string{first: migration(raw("knex", "SELECT 1/0"))}},
		"gone":         {base: base, head: both(release(raw("knex", "SELECT 1")), map[string]string{first: gone})},
		"out of order": {base: base, head: map[string]string{dir + "2023.01.01T00.00.00.z.js": migration(raw("knex", "SELECT 1"))}},
	}, runNodeTool("strapi", "strapi.cjs")(t))
}

// TestDirectusOnServer compares onward's findings with what Directus does.
func TestDirectusOnServer(t *testing.T) {
	t.Parallel()
	migration := func(body string) string { return "export async function up(knex) {\n  " + body + "\n}\n" }
	raw := func(handle, text string) string { return "await " + handle + ".raw(`" + text + "`)" }
	const dir = "extensions/migrations/"
	const first, second, third = dir + "20240101A-a.mjs", dir + "20240102A-b.mjs", dir + "20240103A-c.mjs"
	const index = "CREATE INDEX CONCURRENTLY ON t (id)"
	base := map[string]string{
		"docker-compose.yml": "services:\n  directus:\n    image: directus/directus:12\n",
		first:                migration(raw("knex", "CREATE TYPE e AS ENUM ('x'); CREATE TABLE a (e e)")),
	}
	release := func(body string) map[string]string { return map[string]string{second: migration(body)} }
	value, use, drop := raw("knex", "ALTER TYPE e ADD VALUE 'y'"), "INSERT INTO a VALUES ('y')", raw("knex", "ALTER TABLE a DROP x")
	commonJS := "module.exports = { async up(knex) { " + drop + " } }"
	exercise(t, "extensions/migrations", table, map[string]releaseCase{
		"no transaction":      {base: base, head: release(raw("knex", index))},
		"one message":         {base: base, head: release(raw("knex", "SELECT 1; "+index)), fails: inBlock},
		"a transaction":       {base: base, head: release("await knex.transaction(async (trx) => {\n" + raw("trx", index) + "\n})"), fails: inBlock},
		"a value and its use": {base: base, head: release(value + "\n" + raw("knex", use))},
		"both in one": {
			base: base, fails: "unsafe use of new value",
			head: release("await knex.transaction(async (knex) => {\n" + value + "\n" + raw("knex", use) + "\n})"),
		},
		"each its own":        {base: base, head: both(release(value), map[string]string{third: migration(raw("knex", use))})},
		"of CommonJS":         {base: base, head: map[string]string{dir + "20240102A-b.js": commonJS}, fails: "does not exist"},
		"a default":           {base: base, head: map[string]string{second: "export default { async up(knex) { " + drop + " } }"}, fails: "does not exist"},
		"no dash in its name": {base: base, head: map[string]string{dir + "helper.mjs": migration(raw("knex", "ALTER TABLE a DROP x"))}},
		"TypeScript":          {base: base, head: map[string]string{dir + "20240102A-b.ts": migration(raw("knex", "ALTER TABLE a DROP x"))}},
		"a table twice":       {base: base, head: release("await knex.schema.createTable('a', (t) => t.increments())"), fails: "already exists"},
		"one version twice": {
			base: base, fails: "Migration keys collide",
			head: both(release(raw("knex", "SELECT 1")), map[string]string{dir + "20240102A-c.mjs": migration("")}),
		},
		"edited":       {base: base, head: map[string]string{first: migration(raw("knex", "ALTER TABLE a DROP x"))}},
		"gone":         {base: base, head: both(release(raw("knex", "SELECT 1")), map[string]string{first: gone})},
		"out of order": {base: base, head: map[string]string{dir + "20230101A-z.mjs": migration(raw("knex", "SELECT 1"))}},
	}, runNodeTool("directus", "directus.cjs")(t))
}
