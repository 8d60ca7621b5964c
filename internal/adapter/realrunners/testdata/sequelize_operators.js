// Operators are symbols, which only a run knows.
module.exports = {
  async up(queryInterface, Sequelize) {
    const { Op } = Sequelize;
    await queryInterface.sequelize.query("select 'begin'");
    await queryInterface.createTable("orders", {
      id: { type: Sequelize.BIGINT, primaryKey: true },
      status: { type: Sequelize.STRING },
      total: { type: Sequelize.INTEGER },
      open: { type: Sequelize.BOOLEAN },
    });
    const conditions = [
      { status: { [Op.is]: null } }, { status: { [Op.ne]: null } }, { status: { [Op.not]: null } }, { status: { [Op.eq]: null } },
      { status: { [Op.ne]: "it's" } }, { status: { [Op.eq]: "a" } }, { status: { [Op.not]: "b" } },
      { open: { [Op.is]: true } }, { open: { [Op.not]: false } }, { open: { [Op.ne]: true } },
      { total: { [Op.gt]: 1 } }, { total: { [Op.gte]: 2 } }, { total: { [Op.lt]: 3 } }, { total: { [Op.lte]: 4 }, status: "c" },
      { status: { [Op.in]: ["a", "b"] } }, { total: { [Op.notIn]: [1, 2] } },
    ];
    for (const [i, where] of conditions.entries()) {
      await queryInterface.addIndex("orders", ["id"], { name: "i" + i, where });
    }
    await queryInterface.bulkDelete("orders", { total: { [Op.gt]: 5 } });
    await queryInterface.bulkUpdate("orders", { total: 7 }, { total: { [Op.gt]: 5 }, status: ["a", "b"], id: 4 });
    await queryInterface.sequelize.query("select 'end'");
  },

  async down() {},
};
