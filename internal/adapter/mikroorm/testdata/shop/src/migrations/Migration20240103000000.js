'use strict';
const { Migration } = require('@mikro-orm/migrations');

class Migration20240103000000 extends Migration {

  isTransactional() {
    return false;
  }

  async up() {
    this.addSql('create index concurrently "order_note" on "order" ("note")');
  }

  async down() {
    this.addSql('drop index "way_down"');
  }

}
exports.Migration20240103000000 = Migration20240103000000;
