package guard

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

// The address in a command's own arguments is the proxy's afterwards, or the command is refused before it starts.
func TestRewriteCommand(t *testing.T) {
	t.Parallel()
	p, err := newServerAddress("postgres://u:secret@db.example.com/app?sslmode=require")
	if err != nil {
		t.Fatal(err)
	}
	p.host, p.port = "127.0.0.1", "7777"
	const url, proxied = "postgres://u:secret@db.example.com/app", "postgres://u:secret@127.0.0.1:7777/app?sslmode=disable"
	for _, tc := range []struct {
		args []string
		want string // the arguments afterwards, or "refused: " and a part of the reason
		env  string
	}{
		{args: []string{"psql", "-h", "db.example.com", "-p", "5432", "app"}, want: "psql -h 127.0.0.1 -p 7777 app"},
		{
			args: []string{"/usr/bin/psql", "-Xhdb.example.com", "-c", "SELECT 'host=elsewhere dbname=x'"},
			want: "/usr/bin/psql -Xh127.0.0.1 -p 7777 -c SELECT 'host=elsewhere dbname=x'",
		},
		{args: []string{"psql", "--host=DB.example.com", "--po", "5432", "-d", "other"}, want: "psql --host=127.0.0.1 --po 7777 -d other"},
		{args: []string{"psql", "-f", "-h", "-h", "db.example.com"}, want: "psql -f -h -h 127.0.0.1 -p 7777"},
		{args: []string{"psql", "-p", "5432"}, env: "PGHOST=db.example.com", want: "psql -p 7777 -h 127.0.0.1"},
		{args: []string{"psql", "-d", "host=db.example.com dbname=app"}, want: "psql -d host=127.0.0.1 dbname=app port=7777"},
		{args: []string{"pg_restore", "--dbname", url, "-j", "4"}, want: "pg_restore --dbname " + proxied + " -j 4"},
		{args: []string{"psql", "-h", "10.1.2.3"}, want: "refused: psql names 10.1.2.3:5432, and --db names db.example.com:5432"},
		{args: []string{"psql", "-h", "db.example.com", "-p", "6432"}, want: "refused: psql names db.example.com:6432"},
		{args: []string{"pg_dump", "-d", "postgres://u:hunter2@replica/app"}, want: "refused: pg_dump names replica:5432"},
		{args: []string{"psql", "service=prod"}, want: "refused: psql takes the address from a service file"},
		{args: []string{"psql", "--cluster", "15/main"}, want: "refused: psql --cluster"},
		{args: []string{"psql", "-c", "SELECT 1"}, env: "PGHOST=elsewhere", want: "refused: PGHOST names elsewhere:5432"},
		{args: []string{"psql", "-h", "allowed.example.com"}, want: "psql -h allowed.example.com"},

		{args: []string{"goose", "postgres", "user=u dbname=app host=db.example.com", "up"}, want: "goose postgres user=u dbname=app host=127.0.0.1 port=7777 up"},
		{args: []string{"goose", "postgres", "host=10.1.2.3 user=u dbname=app", "up"}, want: "refused: an argument of the command names 10.1.2.3:5432"},
		{
			args: []string{"migrate", "-path", "m", "-database", "pgx5://u:secret@db.example.com/app", "up"},
			want: "migrate -path m -database pgx5://u:secret@127.0.0.1:7777/app?sslmode=disable up",
		},
		{args: []string{"dbmate", "--url=postgres://u:hunter2@10.1.2.3:6432/app", "up"}, want: "refused: an argument of the command names 10.1.2.3:6432"},
		{args: []string{"sqlx", "migrate", "run", "-D", url}, want: "sqlx migrate run -D " + proxied},
		{args: []string{"diesel", "migration", "run", "--database-url=" + url}, want: "diesel migration run --database-url=" + proxied},
		{args: []string{"flyway", "-url=jdbc:postgresql://elsewhere/app", "migrate"}, want: "refused: an argument of the command names elsewhere:5432"},
		{
			args: []string{"liquibase", "--url=jdbc:postgresql://db.example.com/app", "update"},
			want: "liquibase --url=jdbc:postgresql://127.0.0.1:7777/app?sslmode=disable update",
		},
		{
			args: []string{"alembic", "-x", "url=postgresql+psycopg://u@elsewhere/app", "upgrade", "head"},
			want: "refused: an argument of the command names elsewhere:5432",
		},
		{args: []string{"npx", "prisma", "db", "execute", "--url", url}, want: "npx prisma db execute --url " + proxied},
		{
			args: []string{"env", "DATABASE_URL=postgres://u@elsewhere/app", "npx", "prisma", "migrate", "deploy"},
			want: "refused: an argument of the command names elsewhere:5432",
		},
		// The own commands of tools whose migrations are programs.
		{args: []string{"bin/rails", "db:migrate:up", "VERSION=20240101000000"}, want: "bin/rails db:migrate:up VERSION=20240101000000"},
		{
			args: []string{"bundle", "exec", "rails", "db:migrate"}, env: "DATABASE_URL=" + url,
			want: "bundle exec rails db:migrate",
		},
		{args: []string{"npx", "knex", "migrate:latest", "--connection", url}, want: "npx knex migrate:latest --connection " + proxied},
		{args: []string{"pnpm", "exec", "sh", "-c", "psql -h elsewhere"}, want: "refused: psql names elsewhere:5432"},
		{
			args: []string{"yarn", "sequelize-cli", "db:migrate", "--url", "postgres://u@elsewhere/app"},
			want: "refused: an argument of the command names elsewhere:5432",
		},
		{args: []string{"npx", "typeorm", "migration:run", "-d", "dist/data-source.js"}, want: "npx typeorm migration:run -d dist/data-source.js"},
		{
			args: []string{"dotnet", "ef", "database", "update", "--connection", "Host=db.example.com;Database=app;Username=u;Password=x"},
			want: "dotnet ef database update --connection Host=127.0.0.1;Database=app;Username=u;Password=x;port=7777",
		},
		{
			args: []string{"dotnet", "ef", "database", "update", "--connection", "Host=elsewhere;Database=app;Username=u;Password=hunter2"},
			want: "refused: an argument of the command names elsewhere:5432",
		},
		{args: []string{"php", "artisan", "migrate", "--force"}, want: "php artisan migrate --force"},
		{
			args: []string{"env", "DATABASE_URL=ecto://u:hunter2@elsewhere/app", "mix", "ecto.migrate"},
			want: "refused: an argument of the command names elsewhere:5432",
		},
		{args: []string{"sqitch", "deploy", "db:pg://u@db.example.com/app"}, want: "sqitch deploy db:pg://u@127.0.0.1:7777/app?sslmode=disable"},
		{
			args: []string{"sqitch", "deploy", "--db-host", "db.example.com", "-d", "app", "-s", "host=x", "--set", "dbname=y"},
			want: "sqitch deploy --db-host 127.0.0.1 -p 7777 -d app -s host=x --set dbname=y",
		},
		{args: []string{"sqitch", "deploy", "-h", "elsewhere", "--target", "db:pg:app"}, want: "refused: sqitch names elsewhere:5432"},
		{args: []string{"sqitch", "deploy", "--target", "db:pg://u@elsewhere/app"}, want: "refused: sqitch names elsewhere:5432"},
		{args: []string{"npx", "graphile-migrate", "migrate"}, env: "DATABASE_URL=" + url, want: "npx graphile-migrate migrate"},
		{
			args: []string{"hasura", "migrate", "apply", "--database-name", "default"},
			want: "refused: hasura sends the migrations to the Hasura server",
		},

		{
			args: []string{"./tool", "--set", "host=web.example.com", "--mysql", "mysql://elsewhere/app"},
			want: "./tool --set host=web.example.com --mysql mysql://elsewhere/app",
		},

		{
			args: []string{"sh", "-c", `cd /tmp && PGOPTIONS='-c x=y' psql -h db.example.com -c "SELECT 1; SELECT ';'" | cat > out`},
			want: `sh -c cd /tmp && PGOPTIONS='-c x=y' psql -h 127.0.0.1 -p 7777 -c "SELECT 1; SELECT ';'" | cat > out`,
		},
		{args: []string{"bash", "-euo", "pipefail", "-c", "psql -h 10.1.2.3"}, want: "refused: psql names 10.1.2.3:5432"},
		{
			args: []string{"sudo", "-u", "app", "bash", "-lc", "goose postgres 'host=elsewhere dbname=app' up"},
			want: "refused: an argument of the command names elsewhere:5432",
		},
		{args: []string{"sh", "-c", `migrate -database "$DATABASE_URL" up`}, env: "DATABASE_URL=" + url, want: `sh -c migrate -database "$DATABASE_URL" up`},
		{args: []string{"sh", "-c", `psql -h "$DB" -p ${PORT}`}, env: "DB=db.example.com PORT=5432", want: "sh -c psql -h 127.0.0.1 -p 7777"},
		{args: []string{"sh", "-c", `psql -h "$OTHER"`}, env: "OTHER=elsewhere", want: "refused: psql names elsewhere:5432"},
		{args: []string{"sh", "-c", "psql -h $(cat host)"}, want: "refused: the shell puts the address of psql together"},
		{args: []string{"sh", "-c", "PGHOST=elsewhere rake db:migrate"}, want: "refused: PGHOST names elsewhere"},
		{args: []string{"sh", "-c", "export PGHOST=db.example.com; rake db:migrate"}, want: "sh -c export PGHOST=127.0.0.1 PGPORT=7777 PGHOSTADDR=; rake db:migrate"},
		// Shell scripts are read as the shell reads them.
		{args: []string{"sh", "-c", "psql app <<EOF\nSELECT 1; -- psql -h elsewhere\nEOF"}, want: "sh -c psql app <<EOF\nSELECT 1; -- psql -h elsewhere\nEOF"},
		{
			args: []string{"sh", "-c", "if true; then for i in 1 2; do psql -h db.example.com -c \"SELECT $i\"; done; fi"},
			want: "sh -c if true; then for i in 1 2; do psql -h 127.0.0.1 -p 7777 -c \"SELECT $i\"; done; fi",
		},
		{
			args: []string{"bash", "-c", "case $1 in up) goose postgres 'host=elsewhere dbname=app' up;; esac"},
			want: "refused: an argument of the command names elsewhere:5432",
		},
		{args: []string{"bash", "-c", "run() { psql -h db.example.com \"$@\"; }; run -f x.sql"}, want: "refused: the shell puts the address of psql together"},
		{args: []string{"bash", "-c", "n=$(psql -h elsewhere -c 'SELECT 1'); echo $n"}, want: "refused: psql names elsewhere:5432"},
		{args: []string{"bash", "-c", "for h in db.example.com; do psql -h $h; done"}, want: "refused: the shell puts the address of psql together"},
		{args: []string{"bash", "-c", "read H; psql -h $H"}, env: "H=db.example.com", want: "refused: the shell puts the address of psql together"},
		{args: []string{"sh", "-c", "psql -h ${DB:-elsewhere}"}, want: "refused: psql names elsewhere:5432"},
		{args: []string{"sh", "-c", "psql -h $'db.example.com' -p $((5400 + 32))"}, want: "sh -c psql -h 127.0.0.1 -p 7777"},
		{args: []string{"zsh", "-c", "echo ${(f)x} )"}, want: "zsh -c echo ${(f)x} )"},
		{args: []string{"zsh", "-c", "echo ${(f)x} ) " + url}, want: "refused: the shell puts the address of an argument of the command together"},
	} {
		args, _, err := p.rewriteCommand(tc.args, strings.Fields(tc.env), []string{"allowed.example.com"})
		got := strings.Join(args, " ")
		if err != nil {
			got = "refused: " + err.Error()
		}
		if reason, ok := strings.CutPrefix(tc.want, "refused: "); ok && strings.HasPrefix(got, "refused: "+reason) && !strings.Contains(got, "hunter2") {
			continue
		}
		if got != tc.want {
			t.Errorf("%q with %q:\n%s, want\n%s", tc.args, tc.env, got, tc.want)
		}
	}
}

// The variables of libpq lead to the proxy, whatever the arguments leave to them.
func TestRewriteEnvironment(t *testing.T) {
	t.Parallel()
	p, err := newServerAddress("postgres://u:secret@db.example.com/app")
	if err != nil {
		t.Fatal(err)
	}
	p.host, p.port = "127.0.0.1", "7777"
	services := gittest.NewFile(t, "services", "[prod]\nhost=db.example.com\nuser=u\ndbname=app\n[other]\nhost=elsewhere\n")
	for _, tc := range []struct{ args, env, want string }{
		{"psql -h db.example.com -U u", "PGSSLMODE=verify-full PGHOSTADDR=10.0.0.1", "PGHOST=127.0.0.1 PGPASSWORD=secret PGPORT=7777 PGSSLMODE=disable"},
		{"psql -h db.example.com", "PGUSER=somebody", "PGHOST=127.0.0.1 PGPORT=7777 PGSSLMODE=disable PGUSER=somebody"},
		{
			"psql", "DATABASE_URL=postgres://db.example.com/app",
			"DATABASE_URL=postgres://127.0.0.1:7777/app?sslmode=disable PGHOST=127.0.0.1 PGPORT=7777 PGSSLMODE=disable",
		},
		{
			"goose postgres user=u\x1fdbname=app up", "DATABASE_URL=postgres://db.example.com/app",
			"DATABASE_URL=postgres://127.0.0.1:7777/app?sslmode=disable PGHOST=127.0.0.1 PGPORT=7777 PGSSLMODE=disable",
		},
		{"psql", "PGSERVICE=prod PGSERVICEFILE=" + services, "PGDATABASE=app PGHOST=127.0.0.1 PGPORT=7777 PGSERVICEFILE=" + services + " PGSSLMODE=disable PGUSER=u"},
		{
			"sh -c cd\x1fapp\x1f&&\x1fbin/rails\x1fdb:migrate", "DATABASE_URL=postgres://db.example.com/app",
			"DATABASE_URL=postgres://127.0.0.1:7777/app?sslmode=disable DISABLE_SPRING=1",
		},
		{"psql", "PGSERVICE=other PGSERVICEFILE=" + services, "refused"},
	} {
		args := strings.Fields(tc.args)
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "\x1f", " ")
		}
		_, env, err := p.rewriteCommand(args, strings.Fields(tc.env), nil)
		if err != nil {
			env = []string{"refused"}
		}
		slices.Sort(env)
		if diff := cmp.Diff(strings.Fields(tc.want), env); diff != "" {
			t.Errorf("%s with %s: %s", tc.args, tc.env, diff)
		}
	}
}
