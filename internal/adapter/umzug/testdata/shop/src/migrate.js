const { Umzug } = require('umzug')
const { Client } = require('pg')

const client = new Client()
const umzug = new Umzug({
  migrations: { glob: ['migrations/*.js', { cwd: __dirname }] },
  context: client,
  logger: console,
})

client.connect().then(() => umzug.up())
