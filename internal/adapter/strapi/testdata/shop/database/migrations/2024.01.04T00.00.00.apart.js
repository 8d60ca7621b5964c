'use strict';

module.exports = {
  async up(knex, db) {
    if (db.dialect.client !== 'postgres' || strapi.db.config.connection.client !== 'postgres') await knex.raw('SELECT other');
    await strapi.db.connection.raw('CREATE INDEX CONCURRENTLY orders_total ON orders (total)');
    await db.getConnection().transaction(async (trx) => trx('orders').update({ note: '' }));
    await knex.transaction(async (trx) => trx.schema.dropTable('orders'));
    await strapi.db.transaction(async ({ trx }) => trx.raw('SELECT 1'));
    await strapi.db.getConnection('orders').del();
    await db.query('api::order.order').findMany();
  },
};
