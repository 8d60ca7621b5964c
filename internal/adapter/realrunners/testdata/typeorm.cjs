// Runs TypeORM's migrations. Arguments: where its packages are; then, for each run,
// a directory of migrations and a URL. The data source's other options are in data-source.json
// beside the directory. Prints a line for each run.
const { createRequire, Module } = require('node:module')
const fs = require('node:fs')
const path = require('node:path')
const [packages, ...runs] = process.argv.slice(2)
process.env.NODE_PATH = path.join(packages, 'node_modules') // the migrations import TypeORM, too
Module._initPaths()
const from = createRequire(packages + '/')
from('reflect-metadata')
const { DataSource } = from('typeorm')

// If SENT_FILE is set, each statement goes there as a line of JSON.
const sent = process.env.SENT_FILE
const nothing = () => {}
const logger = {
  logQuery: (query) => fs.appendFileSync(sent, JSON.stringify(query) + '\n'),
  logQueryError: nothing, logQuerySlow: nothing, logSchemaBuild: nothing, logMigration: nothing, log: nothing,
}

const print = console.log
console.log = console.error = () => {} // TypeORM prints failures

async function main() {
  for (let i = 0; i < runs.length; i += 2) {
    const file = path.join(path.dirname(runs[i]), 'data-source.json')
    const options = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {}
    const migrations = fs.readdirSync(runs[i]).sort().map((name) => path.join(runs[i], name))
    const source = new DataSource({ type: 'postgres', url: runs[i + 1], migrations, ...(sent ? { logger } : {}), ...options })
    try {
      await source.initialize()
      await source.runMigrations()
      print('ok')
    } catch (e) {
      print('failed: ' + `${e.message}`.replace(/\s+/g, ' '))
    }
    if (source.isInitialized) await source.destroy()
  }
}
main()
