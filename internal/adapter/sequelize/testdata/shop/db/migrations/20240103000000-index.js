module.exports.up = async ({ context: queryInterface }) => {
  await queryInterface.addIndex("orders", ["note"], { concurrently: true, name: "orders_note" });
};

module.exports.down = async ({ context: queryInterface }) => {
  await queryInterface.removeIndex("orders", "way_down");
};
