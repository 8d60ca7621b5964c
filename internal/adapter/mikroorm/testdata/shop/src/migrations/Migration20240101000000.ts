import { Migration } from "@mikro-orm/migrations";

export class Migration20240101000000 extends Migration {
  override async up(): Promise<void> {
    this.addSql(`create table "order" ("id" serial primary key, "note" text, "tags" jsonb);`);
    this.addSql('comment on table "order" is \'one row an order\'');
  }

  override async down(): Promise<void> {
    this.addSql(`drop table "way_down";`);
  }
}
