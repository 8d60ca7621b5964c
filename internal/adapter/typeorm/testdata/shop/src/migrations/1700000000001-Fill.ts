import { MigrationInterface, QueryRunner, TableColumn } from "typeorm";
import { isNullable } from "shop-columns";

const fill = `UPDATE "order" SET "note" = ''`;

export class Fill1700000000001 implements MigrationInterface {
    public async up(queryRunner: QueryRunner): Promise<void> {
        await queryRunner.query(fill);
        if (await queryRunner.hasColumn("order", "total")) {
            return;
        }
        await queryRunner.addColumn("order", new TableColumn({ name: "total", type: "int", isNullable: true }));
        await queryRunner.addColumn("order", new TableColumn({ name: "sum", type: "int", isNullable: isNullable() }));
        await queryRunner.changeColumn("order", "total", new TableColumn({ name: "total", type: "bigint" }));
    }

    public async down(): Promise<void> {}
}
