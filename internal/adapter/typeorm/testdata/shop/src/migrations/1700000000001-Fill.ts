import { MigrationInterface, QueryRunner, TableColumn } from "typeorm";

const fill = `UPDATE "order" SET "note" = ''`;

export class Fill1700000000001 implements MigrationInterface {
    public async up(queryRunner: QueryRunner): Promise<void> {
        await queryRunner.query(fill);
        if (await queryRunner.hasColumn("order", "total")) {
            return;
        }
        await queryRunner.addColumn("order", new TableColumn({ name: "total", type: "int", isNullable: true }));
    }

    public async down(): Promise<void> {}
}
