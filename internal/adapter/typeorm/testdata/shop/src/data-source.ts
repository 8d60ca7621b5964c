import { DataSource } from "typeorm";

export const source = new DataSource({ type: "postgres", migrations: ["src/migrations/*.ts"], migrationsTransactionMode: "each" });
