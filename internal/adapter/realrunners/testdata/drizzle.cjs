// Runs Drizzle's migrator. Arguments: where its packages are; then, for each run,
// a directory of migrations and a URL. Prints a line for each run.
const { createRequire } = require('node:module')
const [packages, ...runs] = process.argv.slice(2)
const from = createRequire(packages + '/')
const { Pool } = from('pg')
const { drizzle } = from('drizzle-orm/node-postgres')
const { migrate } = from('drizzle-orm/node-postgres/migrator')

async function main() {
  for (let i = 0; i < runs.length; i += 2) {
    const pool = new Pool({ connectionString: runs[i + 1], max: 1 })
    try {
      await migrate(drizzle({ client: pool }), { migrationsFolder: runs[i] })
      console.log('ok')
    } catch (e) {
      console.log('failed: ' + `${e.message} ${e.cause?.message ?? ''}`.replace(/\s+/g, ' '))
    }
    await pool.end()
  }
}
main()
