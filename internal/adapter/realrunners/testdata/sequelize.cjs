// Runs Sequelize's migrations with umzug, as sequelize-cli does. Arguments: where its packages are; then, for each run,
// a directory of migrations and a URL. Prints a line for each run.
const { createRequire } = require('node:module')
const [packages, ...runs] = process.argv.slice(2)
const from = createRequire(packages + '/')
const Sequelize = from('sequelize')
const Umzug = createRequire(from.resolve('sequelize-cli/package.json'))('umzug')

async function main() {
  for (let i = 0; i < runs.length; i += 2) {
    const sequelize = new Sequelize(runs[i + 1], { logging: false })
    const umzug = new Umzug({
      storage: 'sequelize',
      storageOptions: { sequelize },
      logging: false,
      migrations: { params: [sequelize.getQueryInterface(), Sequelize], path: runs[i], pattern: /^(?!.*\.d\.ts$).*\.(cjs|js|cts|ts)$/ },
    })
    try {
      await umzug.up()
      console.log('ok')
    } catch (e) {
      console.log('failed: ' + `${e.message}`.replace(/\s+/g, ' '))
    }
    await sequelize.close()
  }
}
main()
