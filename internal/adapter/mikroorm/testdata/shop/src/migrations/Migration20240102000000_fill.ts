import { Migration } from "@mikro-orm/migrations";

const table = "order";

export class Migration20240102000000_fill extends Migration {
  async up(): Promise<void> {
    this.addSql(`update "${table}" set "note" = '' where "tags" ? 'old';`);
    if (process.env.TOTAL) {
      this.addSql('alter table "order" add "total" int;');
    }
    const rows = await this.execute('select id from "order"');
    for (const row of rows) {
      this.addSql(`update "order" set "note" = 'x' where id = ${row.id}`);
    }
    this.addSql(this.getKnex()("order").update({ note: "y" }).toQuery());
  }

  async down(): Promise<void> {
    this.addSql("select 'way_down'");
  }
}
