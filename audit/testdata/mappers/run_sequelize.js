// Runs each case of the first argument on a new table, and prints the errors of the statements that Sequelize sends after it.
const { Sequelize } = require('sequelize');
const { Client } = require('pg');

(async () => {
  const { PGUSER, PGHOST, PGPORT, PGDATABASE } = process.env;
  const sequelize = new Sequelize(PGDATABASE, PGUSER, '', { host: PGHOST, port: PGPORT, dialect: 'postgres', logging: false });
  const Person = require('./person')(sequelize);
  const [schema, cases] = JSON.parse(process.argv[2]);
  const errors = {};
  for (const [name, sql] of cases) {
    const other = new Client();
    await other.connect();
    await other.query(schema);
    await other.query(sql);
    await other.end();
    errors[name] = '';
    try {
      await Person.create({ nickname: 'a' });
      const person = await Person.findOne();
      person.nickname = 'b';
      await person.save();
    } catch (e) {
      errors[name] = e.message;
    }
  }
  console.log(JSON.stringify(errors));
  await sequelize.close();
})();
