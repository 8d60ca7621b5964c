'use strict';

module.exports = {
  async up(knex) {
    await knex.schema.createTable('orders', (table) => {
      table.bigIncrements('id');
      table.string('note', 80);
    });
  },

  async down(knex) {
    await knex.schema.dropTable('way_down');
  },
};
