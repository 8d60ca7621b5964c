// Runs MikroORM's migrations. Arguments: where its packages are; then, for each run,
// a directory of migrations and a URL. The settings of migrations are in mikro-orm.json
// beside the directory. Prints a line for each run.
const { createRequire, Module } = require('node:module')
const fs = require('node:fs')
const path = require('node:path')
const [packages, ...runs] = process.argv.slice(2)
process.env.NODE_PATH = path.join(packages, 'node_modules') // the migrations import MikroORM, too
Module._initPaths()
const from = createRequire(packages + '/')
const { MikroORM } = from('@mikro-orm/postgresql')
const { Migrator } = from('@mikro-orm/migrations')

async function main() {
  for (let i = 0; i < runs.length; i += 2) {
    const file = path.join(path.dirname(runs[i]), 'mikro-orm.json')
    const options = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')).migrations : {}
    const orm = await MikroORM.init({
      clientUrl: runs[i + 1], entities: [], discovery: { warnWhenNoEntities: false }, extensions: [Migrator], logger() {},
      migrations: { path: runs[i], snapshot: false, ...options },
    })
    try {
      await orm.migrator.up()
      console.log('ok')
    } catch (e) {
      console.log('failed: ' + `${e.message}`.replace(/\s+/g, ' '))
    }
    await orm.close()
  }
}
main()
