// Runs each case of the first argument on a new table, and prints the errors of the statements that TypeORM sends after it. The entity
// is that of person.ts: its decorators are called, so that no compiler is needed.
require('reflect-metadata');
const { Column, DataSource, Entity, PrimaryGeneratedColumn } = require('typeorm');
const { Client } = require('pg');

class Person {}
PrimaryGeneratedColumn({ type: 'bigint' })(Person.prototype, 'id');
Column({ type: 'text', name: 'nick', nullable: true })(Person.prototype, 'nickname');
Column({ type: 'bigint', nullable: true })(Person.prototype, 'parent_id');
Column({ type: 'text', default: 'new' })(Person.prototype, 'state');
Entity({ name: 'people' })(Person);

(async () => {
  const { PGUSER, PGHOST, PGPORT, PGDATABASE } = process.env;
  const source = new DataSource({ type: 'postgres', host: PGHOST, port: Number(PGPORT), username: PGUSER, database: PGDATABASE, entities: [Person] });
  await source.initialize();
  const people = source.getRepository(Person);
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
      await people.save(people.create({ nickname: 'a' }));
      const person = await people.findOneByOrFail({ nickname: 'a' });
      person.nickname = 'b';
      await people.save(person);
    } catch (e) {
      errors[name] = e.message;
    }
  }
  console.log(JSON.stringify(errors));
  await source.destroy();
})();
