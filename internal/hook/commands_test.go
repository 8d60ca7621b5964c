package hook_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/hook"
)

const (
	production = "postgres://app:secret@db.example.com/app_prod"
	local      = "postgres://app@localhost/app_dev"
)

// project has scripts, settings of tools, and a list of disposable databases.
var project = map[string]string{
	"onward.yaml": "hook:\n  disposable: [localhost/app_dev, \"db/app_*\", localhost:54322/postgres]\n",
	"Makefile": "DB ?= app_prod\n.PHONY: reset\nreset: stop\n\tdropdb -h db.example.com $(DB)\nstop:\n\t@echo stop\n" +
		"migrate:\n\talembic upgrade head\nfresh: wipe\n\techo done\nwipe:\n\tphp artisan migrate:fresh\nlint:\n\tgolangci-lint run\n",
	"package.json": `{"scripts": {"db:reset": "prisma migrate reset --force", "build": "tsc -p .", "predeploy": "knex migrate:rollback", "deploy": "echo ok",
		"migrate": "prisma migrate deploy"}}`,
	"composer.json":                  `{"scripts": {"fresh": ["@php artisan migrate:fresh"], "test": "phpunit"}}`,
	"bin/reset.sh":                   "#!/bin/sh\nset -e\npsql -h db.example.com app_prod -c 'DROP SCHEMA public CASCADE'\n",
	"bin/start.sh":                   "#!/bin/sh\nexec node server.js\n",
	"drop.sql":                       "DROP TABLE users;\n",
	"select.sql":                     "SELECT count(*) FROM users;\n",
	"services/api/.env":              "DATABASE_URL=" + production + "\n",
	"services/dev/.env":              "DATABASE_URL=\"" + local + "\"\n",
	"local/alembic.ini":              "[alembic]\nsqlalchemy.url = postgresql+psycopg2://app@localhost/app_dev\n",
	"prisma/schema.prisma":           "datasource db {\n  provider = \"postgresql\"\n  url = env(\"DATABASE_URL\")\n}\n",
	"services/dev/schema.prisma":     "datasource db {\n  url = env(\"DATABASE_URL\")\n}\n",
	"prod/alembic.ini":               "[alembic]\nsqlalchemy.url = postgresql://app@db.example.com/app_prod\n",
	"services/env/alembic.ini":       "[alembic]\nsqlalchemy.url = driver://user:pass@localhost/dbname\n",
	"services/env/migrations/env.py": "url = os.environ['DATABASE_URL']\n",
}

var harmfulCommands = []string{
	"alembic downgrade base",
	"DATABASE_URL=" + local + " alembic downgrade -1", // the tool's settings do not name the variable
	"cd prod && alembic downgrade base",
	"cd services/env && DATABASE_URL=" + production + " poetry run alembic downgrade base",
	"python manage.py flush --no-input",
	"python3 manage.py migrate shop zero",
	"uv run python -m django flush",
	"php artisan migrate:fresh --seed",
	"npx kysely migrate:rollback --all", "pnpm exec kysely migrate:down", "npx kysely-ctl migrate down",
	"onward guard --db env:DATABASE_URL -- dropdb -h db.example.com app_prod", "onward record --db env:DATABASE_URL -o x.json -- alembic downgrade base",
	"onward guard --db @address -- sh -c 'php artisan migrate:fresh'", "sudo -u app onward record -- npx prisma migrate reset --force",
	"onward capture -- psql -h db.example.com app_prod -c 'DROP TABLE users'",
	"docker compose exec -T app php artisan db:wipe",
	"bundle exec rails db:drop db:create",
	"RAILS_ENV=production DISABLE_DATABASE_ENVIRONMENT_CHECK=1 bin/rails db:reset",
	"rake db:migrate:reset",
	"rails db:migrate VERSION=0",
	"DATABASE_URL=" + production + " npx prisma migrate reset --force",
	"npx prisma db push --accept-data-loss",
	"pnpm exec prisma db push --force-reset",
	"cd services/api && npx prisma@6 migrate reset",
	"npm run db:reset",
	"yarn deploy",
	"composer fresh",
	"make reset",
	"make -s fresh",
	"dropdb app_prod",
	"sudo -u postgres dropdb app_prod",
	"psql " + production + " -c 'DROP TABLE users'",
	"psql -h db.example.com -d app_prod -tAc \"TRUNCATE users CASCADE\"",
	"psql " + production + " < drop.sql",
	"cat drop.sql | psql " + production,
	"psql " + production + " <<'SQL'\nBEGIN;\nDELETE FROM users;\nCOMMIT;\nSQL",
	"echo 'drop database app_prod' | docker compose exec -T db psql -U postgres postgres",
	"sh -c 'psql \"$DATABASE_URL\" -f drop.sql'",
	"bash -lc \"cd /srv && psql " + production + " -c 'DROP SCHEMA public CASCADE'\"",
	"export PGHOST=db.example.com; psql app_prod -c 'drop table users'",
	"for db in a b; do dropdb $db; done",
	"git pull && goose postgres \"" + production + "\" down-to 0",
	"migrate -path db/migrations -database \"" + production + "\" drop -f",
	"docker run --rm migrate/migrate -database " + production + " -path /m down 1",
	"flyway -url=jdbc:postgresql://db.example.com/app_prod clean",
	"./gradlew flywayClean",
	"npx sequelize-cli db:drop",
	"npx typeorm schema:drop -d src/data-source.ts",
	"./bin/reset.sh",
	"bash bin/reset.sh",
	"ssh app@db.example.com 'psql app_prod -c \"DROP TABLE users\"'",
	"heroku pg:reset DATABASE_URL --confirm shop",
	"kubectl exec db-0 -- psql -U app app_prod -c 'TRUNCATE users'",
	"python -c \"import psycopg; psycopg.connect('x').execute('DROP TABLE users')\"",
	"dbmate --url " + production + " drop",
	"MIX_ENV=prod mix ecto.reset",
	"supabase db reset --linked",
	"psql " + production + " -c \"$SQL\"",
	"ls | xargs dropdb -h localhost",
	"psql " + production + " -f missing.sql",
	"if true; then psql " + production + " -c 'ALTER TABLE users DROP COLUMN email'; fi",
	"psql 'host=db.example.com dbname=app_prod' -c 'DROP TABLE users'",
	"psql -h db.example.com app_prod -c 'UPDATE users SET admin = true'",
	"env $(cat .env) liquibase drop-all",
	"psql " + production + " -c 'SELECT 1' \"",
}

var harmlessCommands = []string{
	"ls -la", "git status && git diff", "npx kysely migrate:latest", "onward guard --db env:DATABASE_URL -- alembic upgrade head",
	"onward apply --db env:DATABASE_URL",
	"go test ./...", "npm run build", "npm install prisma", "make lint", "cat Makefile",
	"git commit -m 'drop database of the old reports'", "grep -rn \"DROP TABLE\" db/", "echo dropdb app_prod", "rg 'migrate:fresh'",
	"alembic upgrade head", "alembic downgrade --sql head:base", "make migrate", "npm run migrate", "python manage.py migrate",
	"python manage.py migrate --plan",
	"bin/rails db:migrate", "npx prisma migrate deploy", "npx prisma generate", "goose -dir db/migrations postgres \"" + production + "\" up",
	"psql " + production + " -c 'SELECT count(*) FROM users'", "psql " + production + " -f select.sql", "cat select.sql | psql " + production,
	"psql " + production + " -c 'DELETE FROM users WHERE id = 1'", "psql " + production + " -c '\\d users'", "psql --help", "dropdb --help",
	"psql " + local + " -c 'DROP TABLE users'", "dropdb -h localhost app_dev", "PGHOST=127.0.0.1 dropdb app_dev",
	"cd local && alembic downgrade base", "cd services/env && DATABASE_URL=" + local + " alembic downgrade base",
	"cd services/dev && npx prisma migrate reset --force", "DATABASE_URL=" + local + " npm run db:reset",
	"docker compose exec -T db psql -U postgres -d app_test -c 'DROP SCHEMA public CASCADE'", "supabase db reset",
	"make reset DB=app_dev -n", "psql \"host=/tmp/onward-pg-abc/s dbname=postgres\" -c 'DROP TABLE t'", "bash bin/start.sh",
	"DATABASE_URL=" + local + " rails db:drop", "python -c \"print('drop table')\"", "pg_restore --list dump | head", "composer test",
	"docker build -t migrate .", "psql " + production + " -c \"SELECT * FROM users WHERE id = $ID\"", "sqlx migrate run", "terraform apply",
	"flyway -url=jdbc:postgresql://db.example.com/app_prod migrate", "cat <<EOF > notes.txt\nalembic downgrade base\nEOF",
	"psql " + production + " <<'SQL'\nCREATE TABLE a (id bigint);\nINSERT INTO a VALUES (1);\nSQL",
}

// judge gives an event to a hook in a directory.
func judge(t *testing.T, dir string, event any) hook.Decision {
	t.Helper()
	data, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return hook.Judge(t.Context(), newConfig(dir), strings.NewReader(string(data)))
}

func newConfig(dir string) hook.Config {
	return hook.Config{
		Dir: dir, Getenv: func(string) string { return "" },
		Settings: func(dir string) (*config.Config, error) { return config.Load(dir, audit.Names()) },
	}
}

// No harmful command passes, and no harmless one is refused.
func TestCommands(t *testing.T) {
	t.Parallel()
	dir := gittest.Commits(t, project)
	event := func(command string) any {
		return map[string]any{"hook_event_name": "PreToolUse", "tool_name": "Bash", "cwd": dir, "tool_input": map[string]string{"command": command}}
	}
	if len(harmfulCommands) < 30 || len(harmlessCommands) < 30 {
		t.Errorf("%d and %d commands", len(harmfulCommands), len(harmlessCommands))
	}
	for _, c := range harmfulCommands {
		if d := judge(t, dir, event(c)); len(d.Refused) == 0 {
			t.Errorf("passes: %s", c)
		} else if strings.Contains(strings.Join(d.Refused, ""), "secret") {
			t.Errorf("%s: the reason has the password: %s", c, d.Refused)
		}
	}
	for _, c := range harmlessCommands {
		if d := judge(t, dir, event(c)); len(d.Refused) > 0 {
			t.Errorf("refused: %s\n%s", c, strings.Join(d.Refused, "\n"))
		}
	}
}
