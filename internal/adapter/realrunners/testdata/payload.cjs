// Runs the migrations of a project with Payload's own runner. Arguments: where its packages are; then, for each run, a directory of
// migrations and a URL. Prints a line for each run. The settings of the adapter are in payload.json beside the directory.
const { createRequire } = require('node:module')
const { pathToFileURL } = require('node:url')
const fs = require('node:fs')
const path = require('node:path')
const [packages, ...runs] = process.argv.slice(2)
const modules = path.join(packages, 'node_modules')
const load = (file) => import(pathToFileURL(path.join(modules, file)))
Object.assign(process.env, { PAYLOAD_MIGRATING: 'true', DISABLE_PAYLOAD_HMR: 'true' })
// The table of migrations is in the first one that Payload generates.
const table = `CREATE TABLE IF NOT EXISTS payload_migrations (id serial PRIMARY KEY NOT NULL, name varchar, batch numeric,
  updated_at timestamp(3) with time zone DEFAULT now() NOT NULL, created_at timestamp(3) with time zone DEFAULT now() NOT NULL)`

async function main() {
  const { register } = await load('tsx/dist/esm/api/index.mjs')
  register() // as Payload's command does
  const { BasePayload, buildConfig } = await load('payload/dist/index.js')
  const { postgresAdapter } = await load('@payloadcms/db-postgres/dist/index.js')
  const { Client } = createRequire(path.join(modules, '@payloadcms/db-postgres/'))('pg')
  for (let i = 0; i < runs.length; i += 2) {
    const root = path.dirname(path.dirname(runs[i])), link = path.join(root, 'node_modules')
    const file = path.join(root, 'payload.json')
    const options = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {}
    const client = new Client({ connectionString: runs[i + 1] })
    await client.connect()
    await client.query(table)
    await client.end()
    fs.symlinkSync(modules, link) // the migrations import Payload
    let failed
    const payload = new BasePayload()
    // Payload logs an error, and ends the process.
    const exit = process.exit
    process.exit = () => { throw new Error(failed) }
    const quiet = {
      info() {}, debug() {}, trace() {}, warn() {}, fatal() {}, child: () => quiet,
      error(e) { failed ??= e?.err?.cause?.message ?? e?.err?.message ?? e?.msg },
    }
    try {
      await payload.init({
        disableOnInit: true,
        config: buildConfig({
          secret: 'x', telemetry: false, typescript: { autoGenerate: false }, logger: quiet,
          db: postgresAdapter({ pool: { connectionString: runs[i + 1] }, migrationDir: runs[i], push: false, ...options }),
        }),
      })
      await payload.db.migrate()
      console.log('ok')
    } catch (e) {
      console.log('failed: ' + `${failed ?? e.message}`.replace(/\s+/g, ' '))
    }
    process.exit = exit
    fs.unlinkSync(link)
  }
  process.exit(0)
}
main()
