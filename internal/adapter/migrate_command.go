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
	"sqlx":   "sqlx migrate run",
	"Aerich": "aerich upgrade", "CakePHP": "bin/cake migrations migrate", "CodeIgniter": "php spark migrate",
	"db-migrate": "npx db-migrate up", "Doctrine": "php bin/console doctrine:migrations:migrate --no-interaction",
	"Directus": "npx directus database migrate:latest", "Payload": "npx payload migrate",
	"EF Core": "dotnet ef database update", "Fizz": "soda migrate up",
	"Fluent": "swift run App migrate --yes", "FluentMigrator": "dotnet fm migrate -p postgres -c \"{url}\"",
	"Hanami": "bundle exec hanami db migrate", "Laravel": "php artisan migrate --force", "Lucid": "node ace migration:run --force",
	"Peewee": "pw_migrate migrate --database {url}", "Phinx": "vendor/bin/phinx migrate", "Piccolo": "piccolo migrations forwards all",
	"SeaORM": "sea-orm-cli migrate up", "Sequel": "sequel -m DIRECTORY {url}", "Yii": "php yii migrate --interactive=0",
	"yoyo":           "yoyo apply --batch --database \"$DATABASE_URL\" DIRECTORY",
	"Supabase's CLI": "supabase db push --db-url \"$DATABASE_URL\"", "TypeORM": "npx typeorm migration:run -d DATASOURCE",
}

// MigrateCommand returns the command by which a tool runs all pending migrations; "COMMAND" if that is not known.
func MigrateCommand(tool string) string { return cmp.Or(migrateCommands[tool], "COMMAND") }

// RenderCommand returns the command by which such a tool prints its SQL; "" if it has none.
func RenderCommand(tool string) string { return renderCommands[tool] }

// renderCommands print the SQL of a range of migrations without a database, according to the manuals of the tools.
var renderCommands = map[string]string{
	"Alembic": "alembic upgrade {from}:{to} --sql",
	"EF Core": "dotnet ef migrations script {from} {to}",
}
