import type { QueryInterface, Sequelize } from "sequelize";

const table = "orders";

export async function up(queryInterface: QueryInterface, Sequelize: any): Promise<void> {
  const found = await queryInterface.describeTable(table);
  await queryInterface.sequelize.transaction(async (transaction) => {
    await queryInterface.addColumn(table, "total", { type: Sequelize.INTEGER }, { transaction });
    await queryInterface.sequelize.query(`UPDATE ${table} SET total = 0`, { transaction });
    await queryInterface.addIndex(table, ["total"]);
  });
  const t = await queryInterface.sequelize.transaction();
  try {
    await queryInterface.removeColumn(table, "note", { transaction: t });
    await t.commit();
  } catch (error) {
    await t.rollback();
    throw error;
  }
  await queryInterface.sequelize.query("UPDATE orders SET total = :total", { replacements: { total: 1 } });
  await queryInterface.addColumn(table, found.name, Sequelize.TEXT);
  if (!found.paid) {
    await queryInterface.addColumn(table, "paid", Sequelize.DATE);
  }
}

export async function down(queryInterface: QueryInterface): Promise<void> {
  await queryInterface.removeColumn(table, "way_down");
}
