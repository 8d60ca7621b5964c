// Package realrunners holds no code: its tests run the migration tools themselves and
// compare the results with onward's description of them. goose and golang-migrate are
// libraries, so they also get random files. sqlx, dbmate, node-pg-migrate, Prisma,
// Drizzle, Flyway and Liquibase run on small releases if they are installed
// (scripts/setup.sh all).
package realrunners
