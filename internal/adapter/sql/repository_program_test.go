package sql

import "testing"

// What the project says of a directory without a tool: psql in its scripts, or a
// program that sends the files.
func TestOwnProgram(t *testing.T) {
	t.Parallel()
	const sql = "CREATE TABLE t (id int);\nCREATE INDEX ON t (id);\n"
	for name, tc := range map[string]struct {
		dir   string
		files map[string]string
		want  string
	}{
		"psql -c": {"migrations", map[string]string{
			"bin/migrate": "for f in migrations/*.sql; do\n  psql \"$URL\" -v ON_ERROR_STOP=1 -c \"$(cat \"$f\")\"\n" +
				"  psql \"$URL\" -c \"insert into done values ('$f')\"\ndone\n", "migrations/1_a.sql": sql,
		}, "1_a message"},
		"psql's standard input": {"migrations", map[string]string{
			"bin/migrate": "for f in migrations/*.sql; do psql \"$URL\" < \"$f\"; done\n", "migrations/1_a.sql": sql,
		}, "1_a none"},
		"a program of JavaScript": {"db/migrations", map[string]string{
			"scripts/migrate.mjs": "for (const f of await readdir('db/migrations')) {\n  const sql = await readFile(`db/migrations/${f}`, 'utf8');\n" +
				"  await client.query(sql);\n}\n",
			"db/migrations/1_a.sql": sql,
		}, "1_a message"},
		"a program that begins": {"db/migrations", map[string]string{
			"scripts/migrate.ts": "const dir = 'db/migrations';\nconst sql: string = fs.readFileSync(path.join(dir, f), 'utf8');\nawait c.query('BEGIN');\n" +
				"await c.query(sql);\nawait c.query('COMMIT');\n",
			"db/migrations/1_a.sql": sql,
		}, "1_a file"},
		"a program of Go": {"db/migrations", map[string]string{
			"cmd/migrate/main.go": "b, err := fs.ReadFile(\"db/migrations/\" + name)\nreturn pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {\n" +
				"\t_, err := tx.Exec(ctx, string(b))\n\treturn err\n})\n",
			"db/migrations/1_a.sql": sql,
		}, "1_a file"},
		"a program that is told where": {"migrations", map[string]string{
			"app/cmd/migrate.go":     "func Run() error {\n\treturn dbx.Migrate(ctx, \"/migrations\")\n}\n",
			"app/pkg/dbx/migrate.go": "content, err := os.ReadFile(path + \"/\" + name)\ntrx, err := BeginTx(ctx)\n_, err = trx.tx.Exec(string(content))\n",
			"migrations/1_a.sql":     sql,
		}, "1_a file"},
		"two that may be told": {"migrations", map[string]string{
			"app/cmd/migrate.go":     "func Run() error {\n\treturn dbx.Migrate(ctx, \"/migrations\")\n}\n",
			"app/pkg/dbx/migrate.go": "content, err := os.ReadFile(path + \"/\" + name)\ntrx, err := BeginTx(ctx)\n_, err = trx.tx.Exec(string(content))\n",
			"app/pkg/ch/migrate.go":  "content, err := os.ReadFile(path + \"/\" + name)\n_, err = conn.Exec(string(content))\n",
			"migrations/1_a.sql":     sql,
		}, "1_a none"},
		"a program that nobody tells": {"migrations", map[string]string{
			"app/pkg/dbx/migrate.go": "content, err := os.ReadFile(path + \"/\" + name)\ntrx, err := BeginTx(ctx)\n_, err = trx.tx.Exec(string(content))\n",
			"migrations/1_a.sql":     sql,
		}, "1_a none"},
		"a program of Python": {"sql/migrations", map[string]string{
			"tools/migrate.py": "import psycopg\nwith psycopg.connect(url) as conn:\n    for p in sorted(Path(\"sql/migrations\").glob(\"*.sql\")):\n" +
				"        conn.execute(p.read_text())\n",
			"sql/migrations/1_a.sql": sql,
		}, "1_a file"},
		"a program of Python without a transaction": {"sql/migrations", map[string]string{
			"tools/migrate.py": "import psycopg2\nconn = psycopg2.connect(url)\nconn.autocommit = True\nfor p in sorted(glob.glob(\"sql/migrations/*.sql\")):\n" +
				"    conn.cursor().execute(open(p).read())\n",
			"sql/migrations/1_a.sql": sql,
		}, "1_a message"},
		"a program that cuts": {"db/migrations", map[string]string{
			"scripts/migrate.js":    "const sql = fs.readFileSync('db/migrations/' + f, 'utf8');\nfor (const s of sql.split(';')) await c.query(s);\n",
			"db/migrations/1_a.sql": sql,
		}, "1_a none"},
		"a program of the tests": {"db/migrations", map[string]string{
			"test/db.js": "await c.query(fs.readFileSync('db/migrations/' + f, 'utf8'));\n", "db/migrations/1_a.sql": sql,
		}, "1_a none"},
		"a program that reads something else": {"db/migrations", map[string]string{
			"scripts/db.js": "const dir = 'db/migrations';\nconst seed = fs.readFileSync('seed.json');\nawait c.query('SELECT 1', []);\n", "db/migrations/1_a.sql": sql,
		}, "1_a none"},
		"psql beside a program": {"db/migrations", map[string]string{
			"scripts/dev.js": "await c.query(fs.readFileSync('db/migrations/' + f, 'utf8'));\n", "bin/migrate": "for f in db/migrations/*.sql; do psql -f \"$f\"; done\n", "db/migrations/1_a.sql": sql,
		}, "1_a none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := described(t, tc.dir, tc.files); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}
