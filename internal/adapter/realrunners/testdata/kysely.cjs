// Runs Kysely's migrations. Arguments: where its packages are; then, for each run,
// a directory of migrations and a URL. Prints a line for each run.
const { createRequire, Module } = require('node:module')
const fs = require('node:fs/promises')
const path = require('node:path')
const [packages, ...runs] = process.argv.slice(2)
process.env.NODE_PATH = path.join(packages, 'node_modules') // the migrations import Kysely, too
Module._initPaths()
const from = createRequire(packages + '/')
const { Pool } = from('pg')
const { Kysely, Migrator, FileMigrationProvider, PostgresDialect } = from('kysely')

async function main() {
  for (let i = 0; i < runs.length; i += 2) {
    const db = new Kysely({ dialect: new PostgresDialect({ pool: new Pool({ connectionString: runs[i + 1], max: 1 }) }) })
    const migrator = new Migrator({ db, provider: new FileMigrationProvider({ fs, path, migrationFolder: runs[i] }) })
    const { error } = await migrator.migrateToLatest()
    console.log(error ? 'failed: ' + `${error.message}`.replace(/\s+/g, ' ') : 'ok')
    await db.destroy()
  }
}
main()
