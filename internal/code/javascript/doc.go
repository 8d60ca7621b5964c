// Package javascript reads what JavaScript and TypeScript declare to a mapper: TypeORM, MikroORM, Sequelize, Drizzle,
// Objection and Zod.
package javascript
