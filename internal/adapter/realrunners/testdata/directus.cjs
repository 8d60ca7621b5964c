// Runs the migrations of a project with Directus' own runner, in a database that has those of Directus itself. Arguments: where its
// packages are; then, for each run, a directory of migrations and a URL. Prints a line for each run.
const { createRequire } = require('node:module')
const { pathToFileURL } = require('node:url')
const fs = require('node:fs')
const path = require('node:path')
const [packages, ...runs] = process.argv.slice(2)
const from = createRequire(packages + '/')
const knex = from('knex')
const own = path.join(packages, 'node_modules/@directus/api/dist/database/migrations')
Object.assign(process.env, { CONFIG_PATH: '/dev/null/none', LOG_LEVEL: 'silent', CACHE_ENABLED: 'false' })

async function main() {
  const { useEnv } = await import(pathToFileURL(from.resolve('@directus/env')))
  const { default: run } = await import(pathToFileURL(path.join(own, 'run.js')))
  for (let i = 0; i < runs.length; i += 2) {
    const db = knex({ client: 'pg', connection: runs[i + 1], log: { warn() {}, error() {} } })
    useEnv().MIGRATIONS_PATH = runs[i]
    try {
      if (!(await db.schema.hasTable('directus_migrations'))) {
        await db.schema.createTable('directus_migrations', (table) => {
          table.string('version').primary().notNullable()
          table.string('name').notNullable()
          table.timestamp('timestamp').defaultTo(db.fn.now())
        })
        const versions = fs.readdirSync(own).map((f) => /^(\d+[A-Z])-[^.]+\.js$/.exec(f)?.[1]).filter(Boolean)
        await db('directus_migrations').insert(versions.map((version) => ({ version, name: version })))
      }
      await run(db, 'latest', false)
      console.log('ok')
    } catch (e) {
      console.log('failed: ' + `${e.message}`.replace(/\s+/g, ' '))
    }
    await db.destroy()
  }
  process.exit(0) // its cache keeps timers
}
main()
