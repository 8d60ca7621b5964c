// Runs the migrations of a project with Strapi's own runner. Arguments: where its packages are; then, for each run, a directory of
// migrations and a URL. Prints a line for each run.
const { createRequire } = require('node:module')
const path = require('node:path')
const [packages, ...runs] = process.argv.slice(2)
const from = createRequire(packages + '/')
const { Database } = from('@strapi/database')
const quiet = { info() {}, debug() {}, warn() {}, error() {} }

async function main() {
  for (let i = 0; i < runs.length; i += 2) {
    const db = new Database({
      connection: { client: 'postgres', connection: { connectionString: runs[i + 1] } },
      settings: { migrations: { dir: path.resolve(runs[i]) } }, logger: quiet,
    })
    global.strapi = { db, log: quiet } // as Strapi's core does
    try {
      await db.init({ models: [] })
      if (await db.migrations.shouldRun()) await db.migrations.up()
      console.log('ok')
    } catch (e) {
      console.log('failed: ' + `${e.message}`.replace(/\s+/g, ' '))
    }
    await db.destroy()
  }
}
main()
