// Runs Kysely's migrations. Arguments: where its packages are; then, for each run,
// a directory of migrations and a URL. Options of the Migrator are in kysely.config.js beside
// the directory. Prints a line for each run.
const { createRequire, Module } = require('node:module')
const fs = require('node:fs/promises')
const { existsSync } = require('node:fs')
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
    const file = path.join(path.dirname(runs[i]), 'kysely.config.js')
    const options = existsSync(file) ? require(file) : {}
    const migrator = new Migrator({ db, provider: new FileMigrationProvider({ fs, path, migrationFolder: runs[i] }), ...options })
    const { error } = await migrator.migrateToLatest()
    console.log(error ? 'failed: ' + `${error.message}`.replace(/\s+/g, ' ') : 'ok')
    await db.destroy()
  }
}
main()
