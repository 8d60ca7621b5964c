// The world of Strapi's migrations: a transaction of Knex, and Strapi's own database, whose connection is another one.
(function (kit) {
  'use strict';
  const { senderOf, apiOf, globals, unknown } = kit;
  const sender = senderOf({ block: 0, connection: 0 }), connection = senderOf({ block: 0, connection: -1 });
  const nothing = async () => undefined;

  // transaction joins the transaction of the migration.
  const transaction = async (body) => {
    const ends = { commit: nothing, rollback: nothing };
    return body ? body({ trx: sender, ...ends, onCommit: unknown({}), onRollback: unknown({}) }) : { ...ends, get: () => sender };
  };
  const own = { client: 'postgres' };
  const db = apiOf('strapi.db', {
    connection, transaction, inTransaction: () => true, getSchemaName: () => unknown({}),
    dialect: Object.assign(Object.create(unknown({})), own),
    config: Object.assign(Object.create(unknown({})), { connection: Object.assign(Object.create(unknown({})), own) }),
    getConnection: (table) => (table ? connection(table) : connection),
    getSchemaConnection: (knex = connection) => knex.schema,
  });
  globals.strapi = apiOf('strapi', { db });
  return { start: (up) => up(sender, db), end() {} };
})
