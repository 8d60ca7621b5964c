'use strict';

const table = 'orders';

async function up(trx) {
  if (!(await trx.schema.hasColumn(table, 'total'))) {
    await trx.schema.alterTable(table, (t) => t.integer('total'));
  }
  for (const column of ['note', 'total']) await trx.raw(`CREATE INDEX ${table}_${column} ON ${table} (${column})`);
  const rows = await trx(table).select('id');
  await strapi.documents('api::order.order').update({ documentId: rows[0].id });
}

module.exports = { up, async down() { throw new Error('way_down'); } };
