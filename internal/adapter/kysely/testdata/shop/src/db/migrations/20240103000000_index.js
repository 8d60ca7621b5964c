const { sql } = require("kysely");

exports.up = async (db) => {
  if (process.env.FAST) {
    await db.schema.createIndex("orders_note").on("orders").column("note").execute();
  }
};

exports.down = async (db) => {
  await db.schema.dropIndex("way_down").execute();
};
