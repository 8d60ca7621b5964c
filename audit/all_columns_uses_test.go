package audit

import (
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/onward"
)

// What reads a row into places that must be as many as its columns fails when there
// is one more; what passes over it, or knows it already, does not.
func TestReadsAllColumns(t *testing.T) {
	t.Parallel()
	const add, drop = "ALTER TABLE flags ADD COLUMN percent int", "ALTER TABLE flags DROP COLUMN enabled"
	const sqlx, pgx = "github.com/jmoiron/sqlx", "github.com/jackc/pgx/v5"
	scan := func(sql, args string) string {
		return "func All(db *sql.DB) {\n\trows, _ := db.Query(" + sql + ")\n\tfor rows.Next() {\n\t\trows.Scan(" + args + ")\n\t}\n}\n"
	}
	for _, tt := range []struct {
		name, module, Files, sql string
		want                     bool
	}{
		{"scan", "", scan("\"SELECT * FROM flags\"", "&f.Name, &f.Enabled"), add, true},
		{"scan, dropped", "", scan("\"SELECT * FROM flags\"", "&f.Name, &f.Enabled"), drop, true},
		{"scan over lines", "", scan("`\n\t\tselect *\n\t\tfrom public.flags\n\t\twhere enabled`", "\n\t\t\t&f.Name,\n\t\t\tpq.Array(&f.Enabled),\n\t\t"), add, true},
		{"named", "", "const all = `SELECT * FROM flags`\n" + scan("all", "&f.Name, &f.Enabled"), add, true},
		{"returning", "", "func Put(db *sql.DB) {\n\tdb.QueryRow(`INSERT INTO flags (name) VALUES ($1) RETURNING *`, n).Scan(&f.Name, &f.Enabled)\n}\n", add, true},
		{
			"returning names", "",
			"func Put(db *sql.DB) {\n\tdb.QueryRow(`INSERT INTO flags (name) VALUES ($1) RETURNING name`, n).Scan(&f.Name)\n\tdb.Query(`SELECT 2 * 3`)\n}\n",
			add, false,
		},
		{"other columns", "", scan("\"SELECT name, enabled FROM flags\"", "&f.Name, &f.Enabled"), add, false},
		{"other table", "", scan("\"SELECT * FROM flags_old\"", "&f.Name, &f.Enabled"), add, false},
		{"join", "", scan("\"SELECT * FROM flags JOIN users USING (name)\"", "&f.Name, &f.Enabled, &u.ID"), add, false},
		{"alias", sqlx, "func All(db *sqlx.DB) {\n\tdb.Select(&flags, `SELECT f.*\n\tFROM flags AS f\n\tJOIN users u ON u.name = f.name`)\n}\n", add, true},
		{"alias of another", sqlx, "func All(db *sqlx.DB) {\n\tdb.Select(&users, `SELECT u.* FROM flags f JOIN users u ON u.name = f.name`)\n}\n", add, false},
		{"for tests", "", "import (\n\t\"testing\"\n)\n\n" + scan("\"SELECT * FROM flags\"", "&f.Name, &f.Enabled"), add, false},
		{"list", "", scan("\"SELECT * FROM flags\"", "places..."), add, false},
		{"subquery", "", scan("\"SELECT x FROM y WHERE EXISTS (SELECT * FROM flags)\"", "&f.Name, &f.Enabled"), add, false},
		{
			"query of its name", sqlx,
			"const page = `\n\tWITH flags AS (\n\t\t%s\n\t\tLIMIT 10\n\t)\n\tSELECT * FROM flags ORDER BY name`\n\nfunc All(db *sqlx.DB) {\n" +
				"\tdb.Select(&flags, fmt.Sprintf(page, named))\n}\n",
			add, false,
		},
		{
			"query of its name, of all columns", sqlx,
			"const page = `\n\tWITH f AS (SELECT 1), flags AS MATERIALIZED (\n\t\tSELECT * FROM flags LIMIT 10\n\t)\n\tSELECT * FROM flags ORDER BY name`\n\n" +
				"func All(db *sqlx.DB) {\n\tdb.Select(&flags, page)\n}\n",
			add, true,
		},
		{
			"query of another name", sqlx,
			"const page = `WITH old AS (SELECT name FROM users)\n\tSELECT * FROM flags WHERE name NOT IN (SELECT name FROM old)`\n\nfunc All(db *sqlx.DB) {\n" +
				"\tdb.Select(&flags, page)\n}\n",
			add, true,
		},
		{"comment", "", scan("\"SELECT name FROM flags\"", "&f.Name, &f.Enabled") + "// db.Query(\"SELECT * FROM flags\").Scan(&a, &b)\n", add, false},
		{"sqlx", sqlx, "func All(db *sqlx.DB) {\n\tdb.SelectContext(ctx, &flags, \"SELECT * FROM flags\")\n}\n", add, true},
		{"sqlx, dropped", sqlx, "func All(db *sqlx.DB) {\n\tdb.SelectContext(ctx, &flags, \"SELECT * FROM flags\")\n}\n", drop, false},
		{"sqlx, named", sqlx, "func One(db *sqlx.DB) {\n\tconst q = `SELECT * FROM flags WHERE name = $1`\n\tdb.Get(&flag, q, name)\n}\n", add, true},
		{"sqlx, rows", sqlx, "func All(db *sqlx.DB) {\n\trows, _ := db.Queryx(\"SELECT * FROM flags\")\n\trows.StructScan(&flag)\n}\n", add, true},
		{"sqlx, lax", sqlx, "func All(db *sqlx.DB) {\n\tdb.Unsafe().Select(&flags, \"SELECT * FROM flags\")\n}\n", add, false},
		{
			"sqlx, mapped", sqlx,
			"type Flag struct {\n\tName string\n\tPercent int\n}\n\nfunc All(db *sqlx.DB) {\n\tdb.Select(&flags, \"SELECT * FROM flags\")\n}\n",
			add, false,
		},
		{
			"sqlx, tagged", sqlx,
			"type Flag struct {\n\tShare int `db:\"percent\"`\n}\n\nfunc All(db *sqlx.DB) {\n\tdb.Select(&flags, \"SELECT * FROM flags\")\n}\n",
			add, false,
		},
		{"not sqlx", "", "func All(db *gorm.DB) {\n\tdb.Select(&flags, \"SELECT * FROM flags\")\n}\n", add, false},
		{
			"pgx", pgx,
			"func All(db *pgxpool.Pool) {\n\trows, _ := db.Query(ctx, \"SELECT * FROM flags\")\n\treturn pgx.CollectRows(rows, pgx.RowToStructByName[Flag])\n}\n",
			add, true,
		},
		{
			"pgx, lax", pgx,
			"func All(db *pgxpool.Pool) {\n\trows, _ := db.Query(ctx, \"SELECT * FROM flags\")\n\treturn pgx.CollectRows(rows, pgx.RowToStructByNameLax[Flag])\n}\n",
			add, false,
		},
		{"scany", pgx, "func All(db *pgxpool.Pool) {\n\tpgxscan.Select(ctx, db, &flags, `SELECT * FROM flags`)\n}\n", add, true},
		{"sqlx that nothing names", "", "func All(db *sqlx.DB) {\n\tdb.Select(&flags, \"SELECT * FROM flags\")\n}\n", add, false},
		{"by way of WITH", sqlx, "func All(db *sqlx.DB) {\n\tdb.Select(&flags, `WITH f AS (SELECT * FROM flags WHERE enabled) SELECT f.* FROM f`)\n}\n", add, true},
		{"and one more", "", scan("\"SELECT f.*, u.id FROM flags f JOIN users u ON u.name = f.name\"", "&f.Name, &f.Enabled, &id"), add, true},
		{"put together", "", scan("fmt.Sprintf(\"SELECT * FROM flags WHERE %s ORDER BY %s %s\", where, by, order)", "&f.Name, &f.Enabled"), add, true},
		{"not read in full", "", scan("\"SELECT * FROM flags WHERE ((\" + where", "&f.Name, &f.Enabled"), add, true},
		{
			"name of another function", sqlx,
			"func Count(db *sqlx.DB) {\n\tq := \"SELECT * FROM flags\"\n\tdb.Exec(q)\n}\n\nfunc Named(db *sqlx.DB) {\n\tq := \"SELECT name, enabled FROM flags\"\n" +
				"\tdb.Query(q).Scan(&f.Name, &f.Enabled)\n}\n",
			add, false,
		},
		{
			"name that goes on", sqlx,
			"func One(db *sqlx.DB) {\n\tq := \"SELECT * FROM flags\"\n\tdb.Exec(q)\n\tq = \"SELECT name FROM flags\"\n\tdb.Get(&flag, q)\n}\n",
			add, false,
		},
		{"scany, dropped", pgx, "func All(db *pgxpool.Pool) {\n\tpgxscan.Select(ctx, db, &flags, `SELECT * FROM flags`)\n}\n", drop, false},
		{
			"pgx, dropped", sqlx,
			"func All(db *pgxpool.Pool) {\n\trows, _ := db.Query(ctx, \"SELECT * FROM flags\")\n\treturn pgx.CollectRows(rows, pgx.RowToStructByName[Flag])\n}\n",
			drop, true,
		},
		{
			"the next function", "",
			"func Count(db *sql.DB) {\n\tdb.Query(\"SELECT * FROM flags\")\n}\n" + scan("\"SELECT name, enabled FROM flags\"", "&f.Name, &f.Enabled"),
			add, false,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code := tt.Files
			if tt.module != "" {
				code = "import \"" + tt.module + "\"\n\n" + code
			}
			base := "-- go.mod --\nmodule shop\n\nrequire github.com/pressly/goose/v3 v3.24.0\n-- migrations/00001_a.sql --\n-- +goose Up\n" +
				"CREATE TABLE flags (name text, enabled bool);\n-- store/a.go --\npackage store\n\n" + code
			r := changelog0(t, Config{
				Dir:  repository(t, base, "-- migrations/00002_b.sql --\n-- +goose Up\nSET LOCAL lock_timeout = '2s';\n"+tt.sql+";\n"),
				Base: "main",
			})
			found := slices.IndexFunc(r.Findings, func(f onward.Finding) bool {
				return f.Rule == "column-star-read" && strings.Contains(f.Harm, "(at store/a.go:")
			})
			if found >= 0 != tt.want {
				t.Errorf("%v, not %v: %v", found >= 0, tt.want, r.Findings)
			}
		})
	}
}

// sqlx keeps what it has prepared.
func TestReadsAllPrepared(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"sqlx::query_as::<_, Flag>(\"SELECT * FROM flags ORDER BY name\")":                              "warning",
		"sqlx::query_as!(Flag, r#\"INSERT INTO flags (name) VALUES ($1) RETURNING *\"#, name)":          "warning",
		"sqlx::query_scalar(\"SELECT COUNT(*) FROM flags\")":                                            "",
		"sqlx::query_as::<_, Flag>(\"SELECT name, enabled FROM flags\")":                                "",
		"#[cfg(test)]\nmod tests {\n    const ALL: &str = \"SELECT * FROM flags\";\n}":                  "",
		"const A: &str = \"UPDATE flags SET enabled = $1\";\nconst B: &str = \"SELECT 1 RETURNING *\";": "",
	} {
		r := changelog0(t, Config{Dir: repository(t, "-- Cargo.toml --\n[dependencies]\nsqlx = \"0.8\"\n-- migrations/1_a.sql --\n"+
			"CREATE TABLE flags (name text, enabled bool);\n-- src/flags.rs --\n"+code+"\n",
			"-- migrations/2_b.sql --\nSET LOCAL lock_timeout = '2s';\nALTER TABLE flags ADD COLUMN percent int;\n"), Base: "main"})
		got := severityOf(r, "column-star-read")
		if got != want {
			t.Errorf("%s: column-star-read is %q, want %q: %v", code, got, want, found(r))
		}
	}
}

// What counts on the order of columns, in any language.
func TestWritesByOrder(t *testing.T) {
	t.Parallel()
	const add, drop = "ALTER TABLE readings ADD COLUMN quality int", "ALTER TABLE readings DROP COLUMN value"
	for _, tt := range []struct{ Files, sql, want string }{
		{`cur.copy_expert("COPY readings FROM STDIN WITH CSV", f)`, add, `missing data for column "quality"`},
		{`cur.copy_expert("COPY readings FROM STDIN WITH CSV", f)`, drop, "extra data after last expected column"},
		{`cur.copy_expert("COPY readings FROM STDIN WITH CSV", f)`, "ALTER TABLE readings ADD COLUMN twice int GENERATED ALWAYS AS (sensor * 2) STORED", ""},
		{`cur.copy_expert("COPY readings (sensor, at, value) FROM STDIN WITH CSV", f)`, add, ""},
		{`cur.copy_expert("COPY readings TO STDOUT", f)`, add, ""},
		{`cur.copy_from(f, "readings", sep=",")`, add, "missing data"},
		{`cur.copy_from(f, "readings", columns=("sensor", "at"))`, add, ""},
		{`cur.executemany("INSERT INTO readings VALUES (%s, %s, %s)", rows)`, drop, "INSERT has more expressions than target columns"},
		{`cur.executemany("INSERT INTO readings VALUES (%s, %s, %s)", rows)`, add, ""},
		{`cur.executemany("INSERT INTO readings VALUES (%s, coalesce(%s, 1))", rows)`, drop, ""},
		{`cur.execute("INSERT INTO archive SELECT * FROM readings WHERE at < %s")`, add, "INSERT has more expressions than target columns"},
		{`cur.execute("INSERT INTO archive SELECT * FROM readings WHERE at < %s")`, "ALTER TABLE archive ADD COLUMN quality int;\n" + add, ""},
		{
			"cur.execute(\"\"\"WITH moved AS (\n  DELETE FROM readings WHERE at < %s RETURNING *\n)\nINSERT INTO archive SELECT * FROM moved\"\"\")",
			add, "INSERT has more",
		},
		{`cur.execute("INSERT INTO archive (sensor, at, value) SELECT sensor, at, value FROM readings")`, add, ""},
		{`cur.execute("INSERT INTO nowhere SELECT * FROM readings")`, add, ""},
		{`# COPY readings FROM STDIN`, add, ""},
	} {
		r := changelog0(t, Config{Dir: repository(t, "-- migrations/1_a.sql --\nCREATE TABLE readings (sensor int, at timestamptz, value float);\n"+
			"CREATE TABLE archive (sensor int, at timestamptz, value float);\n-- app/ingest.py --\n"+tt.Files+"\n",
			"-- migrations/2_b.sql --\nSET lock_timeout = '2s';\nBEGIN;\n"+tt.sql+";\nCOMMIT;\n"), Base: "main"})
		got := ""
		for _, f := range r.Findings {
			if f.Rule == "column-star-read" {
				got = f.Harm
			}
		}
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %s: %q, not %q", tt.sql, tt.Files, got, tt.want)
		}
	}
}
