const async = require('async');
const suffix = process.env.SUFFIX;

exports.up = (db, callback) => async.series([
  db.addColumn.bind(db, 'orders', 'total', { type: 'int', notNull: true, defaultValue: 0 }),
  (next) => db.addIndex('orders', 'orders_note', ['note'], next),
  (next) => db.runSql('COMMENT ON TABLE orders IS \'' + suffix + '\'', next),
  (next) => db.dropTable(suffix, next),
], callback);

exports.down = (db) => db.dropTable('way_down');
