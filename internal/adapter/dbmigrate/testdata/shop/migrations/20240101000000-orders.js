'use strict';

var dbm;
var type;

exports.setup = function(options) {
  dbm = options.dbmigrate;
  type = dbm.dataType;
};

exports.up = function(db, callback) {
  db.createTable('orders', {
    id: { type: type.BIGINT, primaryKey: true, autoIncrement: true },
    note: { type: type.STRING, length: 80 }
  }, callback);
};

exports.down = function(db, callback) {
  db.dropTable('way_down', callback);
};
