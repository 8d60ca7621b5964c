package adapter

import "cmp"

// migrateCommands run all pending migrations, according to the manuals of the tools.
var migrateCommands = map[string]string{
	"Alembic": "alembic upgrade head", "Atlas": "atlas migrate apply --url \"$DATABASE_URL\"", "dbmate": "dbmate --no-dump-schema up",
	"Diesel": "diesel migration run", "Django": "python manage.py migrate", "Drizzle": "npx drizzle-kit migrate", "Ecto": "mix ecto.migrate",
	"Flyway": "flyway migrate", "golang-migrate": "migrate -path DIRECTORY -database \"$DATABASE_URL\" up",
	"graphile-migrate": "npx graphile-migrate migrate", "Hasura": "hasura migrate apply --database-name DATABASE",
	"goose": "goose -dir DIRECTORY postgres \"$DATABASE_URL\" up", "Knex": "npx knex migrate:latest", "Kysely": "npx kysely migrate:latest",
	"Liquibase": "liquibase update", "MikroORM": "npx mikro-orm migration:up", "node-pg-migrate": "npx node-pg-migrate up",
	"Prisma": "npx prisma migrate deploy", "Rails": "bin/rails db:migrate", "Sequelize": "npx sequelize-cli db:migrate", "sqitch": "sqitch deploy TARGET",
	"sqlx":           "sqlx migrate run",
	"Supabase's CLI": "supabase db push --db-url \"$DATABASE_URL\"", "TypeORM": "npx typeorm migration:run -d DATASOURCE",
}

// MigrateCommand returns the command by which a tool runs all pending migrations; "COMMAND" if that is not known.
func MigrateCommand(tool string) string { return cmp.Or(migrateCommands[tool], "COMMAND") }
