import { defineConfig } from "@mikro-orm/postgresql";

export default defineConfig({ migrations: { path: "./src/migrations", allOrNothing: false } });
