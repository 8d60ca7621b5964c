import { MigrationInterface, QueryRunner } from "typeorm";

export class Orders1700000000000 implements MigrationInterface {
    name = 'Orders1700000000000'

    public async up(queryRunner: QueryRunner): Promise<void> {
        await queryRunner.query(`CREATE TABLE "order" ("id" SERIAL NOT NULL, "note" text, CONSTRAINT "PK_1" PRIMARY KEY ("id"))`);
        await queryRunner.query("COMMENT ON TABLE \"order\" IS 'one row an order'");
    }

    public async down(queryRunner: QueryRunner): Promise<void> {
        await queryRunner.query(`DROP TABLE "order" -- way_down`);
    }
}
