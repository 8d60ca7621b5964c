package hook_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

// commandKinds have forms of commands beside the tools: harmful ones are refused, and their harmless neighbours pass.
var commandKinds = map[string]struct{ harmful, harmless []string }{
	"EXPLAIN": {
		[]string{"psql " + production + " -c 'EXPLAIN ANALYZE DELETE FROM users'"},
		[]string{"psql " + production + " -c 'EXPLAIN DELETE FROM users'"},
	},
	"conditions that hold for every row": {
		[]string{
			"psql " + production + " -c 'DELETE FROM users WHERE true'", "psql " + production + " -c 'UPDATE users SET name = NULL WHERE 1 = 1'",
			"psql " + production + " -c 'DELETE FROM users USING orders'",
			"psql " + production + " -c 'MERGE INTO users u USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE'",
		},
		[]string{
			"psql " + production + " -c 'DELETE FROM users WHERE false'", "psql " + production + " -c 'DELETE FROM users WHERE id IN (SELECT 1)'",
			"psql " + production + " -c 'DELETE FROM users u USING orders o WHERE o.user_id = u.id'",
		},
	},
	"a new type without the old values": {
		[]string{"psql " + production + " -c 'ALTER TABLE users ALTER COLUMN age TYPE int USING 0'"},
		[]string{"psql " + production + " -c 'ALTER TABLE users ALTER COLUMN age TYPE int USING age::int, ALTER COLUMN name TYPE text'"},
	},
	"commands in a package": {
		[]string{"npm explore pg -- dropdb app_prod", "npm explore pg -- sh -c 'dropdb app_prod'"},
		[]string{"npm explore pg -- cat package.json", "npm explore pg"},
	},
	"temporary tables": {
		[]string{
			"psql " + production + " -c 'CREATE TEMP TABLE a (id int); DROP TABLE a; DROP TABLE a'",
			"psql " + production + " -c 'CREATE TEMP TABLE users AS SELECT 1; TRUNCATE public.users'",
			"psql " + production + " -c 'BEGIN; CREATE TEMP TABLE users (id int); ROLLBACK; DROP TABLE users'",
			"psql " + production + " -c 'BEGIN; CREATE TEMP TABLE users (id int) ON COMMIT DROP; COMMIT; TRUNCATE users'",
			"psql " + production + " -c 'CREATE TEMP TABLE users (id int); DISCARD TEMP; DROP TABLE users'",
			"psql " + production + " <<'SQL'\nCREATE TEMP TABLE users (id int);\n\\c app\nDROP TABLE users;\nSQL",
		},
		[]string{
			"psql " + production + " <<'SQL'\nCREATE TEMP TABLE a AS SELECT 1 AS id;\nUPDATE a SET id = 2;\nDELETE FROM a;\nTRUNCATE a;\nDROP TABLE a;\nSQL",
			"psql " + production + " -c 'CREATE TEMP TABLE a (id int); DROP TABLE pg_temp.a'",
		},
	},
	"commands of psql in double quotes and here-documents": {
		[]string{
			"psql " + production + ` -c "\i drop.sql"`, "psql " + production + ` -c "\! dropdb app_prod"`,
			"psql " + production + " <<'SQL'\n\\i drop.sql\nSQL", "psql " + production + " <<SQL\n\\i drop.sql\nSQL",
			"psql " + production + " <<'SQL'\nSELECT 'DROP TABLE users'\n\\c app \\gexec\nSQL",
			`echo "SELECT 'DROP TABLE ' || relname FROM pg_class \gexec" | psql ` + production,
		},
		[]string{
			`for t in a b; do psql ` + production + ` -c "\d $t"; done`, "psql " + production + " <<SQL\n\\d users\nSQL", "psql " + production + ` -c "\i select.sql"`,
		},
	},
	"a word that destroys inside a literal": {
		[]string{"psql " + production + ` -c "SELECT 'a'; DROP TABLE $T"`},
		[]string{"psql " + production + ` -c "SELECT * FROM log WHERE action = 'delete' AND id = $ID"`},
	},
	"options of pg_restore in a group": {
		[]string{"pg_restore -h db.example.com -cd app_prod dump", "pg_restore -Ovc -d app_prod dump"},
		[]string{"pg_restore -d app_prod dump", "pg_restore -Od app_prod dump", "pg_restore -cf out.sql dump"},
	},
	"options of shells": {
		[]string{"bash -euo pipefail bin/reset.sh", "bash -o pipefail -c 'dropdb app_prod'", "bash -s -- now < bin/reset.sh"},
		[]string{"bash -n bin/reset.sh", "bash -euo pipefail bin/start.sh"},
	},
	"substitutions": {
		[]string{
			"a=($(dropdb app_prod))", "cat <<EOF\n$(dropdb app_prod)\nEOF", "cat <<< $(dropdb app_prod)", "ls > $(dropdb app_prod)", "trap 'dropdb app_prod' EXIT",
			"at now <<< 'dropdb app_prod'",
		},
		[]string{"a=($(ls))", "cat <<'EOF'\n$(dropdb app_prod)\nEOF", "trap 'rm -f /tmp/x' EXIT"},
	},
	"wrappers": {
		[]string{
			"chroot /mnt dropdb app_prod", "busybox sh -c 'dropdb app_prod'", "tmux new-session -d 'dropdb app_prod'", "systemd-run dropdb app_prod",
			"nodemon --exec 'dropdb app_prod'", "symfony console doctrine:database:drop --force", "cargo sqlx database drop -y",
			"go run github.com/pressly/goose/v3/cmd/goose@latest postgres 'host=db.example.com dbname=app_prod' reset",
			"go tool goose postgres 'host=db.example.com dbname=app_prod' down",
			"kubectl run tmp --rm -it --image=postgres -- psql -h db.example.com app_prod -c 'DROP TABLE users'",
			"ssh -p 22 db.example.com <<'EOF'\ndropdb app_prod\nEOF",
		},
		[]string{
			"command -v dropdb", "go run ./cmd/server", "go test ./migrate -run drop", "cargo run -- drop", "cargo test drop",
			"kubectl run migrate --image=migrate", "ssh db.example.com uptime < bin/reset.sh", "ssh db.example.com <<'EOF'\nuptime\nEOF",
		},
	},
	"names of tools": {
		[]string{
			"php bin/console d:d:d --force", "sqlx db drop -y", "diesel db reset", "mix do ecto.drop, ecto.create",
			"hasura migrate apply --version 1 --type down", "mvn org.flywaydb:flyway-maven-plugin:9.0.0:clean",
			"npx prisma db execute --file=drop.sql --url " + production, "node ./node_modules/typeorm/cli.js schema:drop",
			"node -r dotenv/config node_modules/.bin/knex migrate:rollback",
		},
		[]string{
			"php bin/console debug:router", "php bin/console doctrine:schema:validate", "sqlx db create", "mix do deps.get, ecto.migrate",
			"hasura migrate apply --version 1 --type up", "npx prisma db execute --file=select.sql --url " + production,
			"node ./node_modules/typeorm/cli.js migration:run", "node node_modules/eslint/bin/eslint.js --fix",
		},
	},
	"placeholders of xargs": {
		[]string{
			"cat list | xargs -I{} psql -h db.example.com app_prod -c '{}'", "cat list | xargs -I % psql -h db.example.com app_prod -c 'DROP TABLE %'",
		},
		[]string{"cat list | xargs -I{} psql -h db.example.com app_prod -c 'SELECT count(*) FROM {}'", "cat list | xargs -I{} sed -n 1p {}"},
	},
	"files changed in place": {
		[]string{
			"ruby -i -pe '$_.upcase!' db/migrations/1_users.sql", "perl -pi -e 's/text/int/' db/migrations/1_users.sql",
			"perl -i -pe 's/text/int/' db/migrations/1_users.sql",
		},
		[]string{"ruby -pe '$_.upcase!' db/migrations/1_users.sql", "perl -pe 's/text/int/' db/migrations/1_users.sql", "ruby -i -pe '$_.upcase!' README.md"},
	},
	"code on the command line": {
		[]string{
			"flask shell <<< 'db.drop_all()'", "poetry run python - <<'PY'\nfrom app import db\ndb.drop_all()\nPY",
			`php artisan tinker --execute="DB::table('users')->truncate();"`, "php artisan tinker --execute='User::query()->delete();'",
			`python3 -c "import subprocess; subprocess.run(['dropdb', 'app_prod'])"`, `node -e "require('child_process').execSync('dropdb app_prod')"`,
			`perl -e 'system("dropdb app_prod")'`, `perl -MDBI -e 'DBI->connect("dbi:Pg:dbname=app")->do("drop table users")'`, "ruby -e '`dropdb app_prod`'",
			`bun -e "sql('drop table users')"`, `tsx -e "prisma.user.deleteMany()"`, `deno eval "client.queryArray('drop table users')"`,
		},
		[]string{
			"php artisan tinker --execute='echo User::count();'", `python3 -c "print('dropdb')"`, `perl -ne 'print if /drop table/' drop.sql`,
			`node -e "console.log('drop table users')"`,
			"ruby -r json -e 'puts 1'", `python3 -c "import re; print(re.sub('drop table', '', open('drop.sql').read()))"`,
		},
	},
	"volumes of containers": {
		[]string{
			"cd live && docker compose down -v", "docker compose -f live/compose.yaml down --volumes", "docker volume rm shop_pgdata",
			"docker volume prune -af", "docker rm -fv db",
			"cd /tmp && docker compose down -v",
		},
		[]string{
			"docker compose down", "cd dev && docker compose down -v", "cd cache && docker compose down -v", "docker volume ls",
			"docker volume rm node_modules",
			"docker run -v $PWD:/w node npm test", "docker volume prune -f", "docker rm -f db", "docker rm -fv web",
		},
	},
}

func TestCommandKinds(t *testing.T) {
	t.Parallel()
	files := maps.Clone(project)
	files["live/compose.yaml"] = "services:\n  db:\n    image: postgres:17\n    environment: {POSTGRES_DB: shop}\n"
	files["dev/compose.yaml"] = "services:\n  db:\n    image: postgis/postgis:16\n    environment:\n      - POSTGRES_DB=app_dev\n  app: {build: .}\n"
	files["db/migrations/1_users.sql"] = "-- +goose Up\nCREATE TABLE users (id bigint PRIMARY KEY);\n"
	files["cache/docker-compose.yml"] = "services:\n  redis: {image: redis}\n"
	dir := gittest.Commits(t, files)
	for kind, commands := range commandKinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			refused := func(command string) string {
				return strings.Join(judge(t, dir, map[string]any{"tool_name": "Bash", "cwd": dir, "tool_input": map[string]string{"command": command}}).Refused, "\n")
			}
			for _, c := range commands.harmful {
				if refused(c) == "" {
					t.Errorf("passes: %s", c)
				}
			}
			for _, c := range commands.harmless {
				if reason := refused(c); reason != "" {
					t.Errorf("refused: %s\n%s", c, reason)
				}
			}
		})
	}
}
