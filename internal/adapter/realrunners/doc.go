// Package realrunners holds no code: its tests run the migration tools themselves
// and compare what they do with what onward says of them. goose and golang-migrate
// are libraries, which get random files, too; sqlx, dbmate, node-pg-migrate,
// Prisma, Drizzle, Flyway and Liquibase are run where they are installed
// (scripts/runners.sh), on small releases.
package realrunners
