"use strict";

module.exports = {
  async up(queryInterface, Sequelize) {
    await queryInterface.createTable("orders", {
      id: { type: Sequelize.BIGINT, primaryKey: true, autoIncrement: true },
      state: { type: Sequelize.ENUM("new", "paid"), allowNull: false, defaultValue: "new" },
      note: Sequelize.TEXT,
    });
    await queryInterface.sequelize.query(`COMMENT ON TABLE orders IS 'one row an order'`);
  },

  async down(queryInterface) {
    await queryInterface.dropTable("way_down");
  },
};
