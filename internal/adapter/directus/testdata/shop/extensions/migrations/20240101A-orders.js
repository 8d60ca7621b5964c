module.exports = {
  async up(knex) {
    await knex.schema.createTable('orders', (table) => {
      table.increments();
      table.string('note');
    });
  },
  async down(knex) {
    await knex.schema.dropTable('way_down');
  },
};
