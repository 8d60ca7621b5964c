// Runs Knex's migrations. Arguments: where its packages are; then, for each run,
// a directory of migrations and a URL. The settings of migrations are in knexfile.json
// beside the directory. Prints a line for each run.
const { createRequire } = require('node:module')
const fs = require('node:fs')
const path = require('node:path')
const [packages, ...runs] = process.argv.slice(2)
const from = createRequire(packages + '/')
const knex = from('knex')

async function main() {
  for (let i = 0; i < runs.length; i += 2) {
    const file = path.join(path.dirname(runs[i]), 'knexfile.json')
    const options = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')).migrations : {}
    const db = knex({ client: 'pg', connection: runs[i + 1], migrations: { directory: runs[i], ...options }, log: { warn() {}, error() {} } })
    try {
      await db.migrate.latest()
      console.log('ok')
    } catch (e) {
      console.log('failed: ' + `${e.message}`.replace(/\s+/g, ' '))
    }
    await db.destroy()
  }
}
main()
