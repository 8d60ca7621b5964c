import { MigrationInterface, QueryRunner } from "typeorm";

export class Index1700000000002 implements MigrationInterface {
    transaction = false;

    public async up(queryRunner: QueryRunner): Promise<void> {
        await queryRunner.query(`CREATE INDEX CONCURRENTLY "order_note" ON "order" ("note")`);
    }

    public async down(queryRunner: QueryRunner): Promise<void> {
        await queryRunner.query(`DROP INDEX "order_note"`);
    }
}
