package realrunners

import (
	"database/sql"
	"os"
	"strings"
	"testing"

	"maragu.dev/migrate"

	"github.com/onward-sql/onward/audit"
)

// What onward says of maragu.dev/migrate, whose files have golang-migrate's names and others.
func TestMaraguOnServer(t *testing.T) {
	t.Parallel()
	base := map[string]string{
		"go.mod":          "module m\n\nrequire (\n\tgithub.com/golang-migrate/migrate/v4 v4.20.1\n\tmaragu.dev/migrate v0.6.0\n)\n",
		"db/migrate.go":   "package db\n\nimport _ \"maragu.dev/migrate\"\n",
		"other/other.go":  "package other\n\nimport _ \"github.com/golang-migrate/migrate/v4\"\n",
		"db/m/1-a.up.sql": "CREATE TABLE a (id int);\n", "db/m/1-a.down.sql": "DROP TABLE a;\n", "db/m/3_c.up.sql": "SELECT 3;\n",
	}
	exercise(t, "db/m", table, map[string]releaseCase{
		"a number without a name": {base, map[string]string{"db/m/4.up.sql": "ALTER TABLE a ADD COLUMN b int;\n"}, ""},
		"two statements":          {base, map[string]string{"db/m/4_d.up.sql": "SELECT 1;\nALTER TABLE a ADD COLUMN b int;\n"}, ""},
		"a concurrent build":      {base, map[string]string{"db/m/4_d.up.sql": concurrently}, inBlock},
		"a statement that fails":  {base, map[string]string{"db/m/4_d.up.sql": "ALTER TABLE a ADD COLUMN id int;\n"}, "already exists"},
	}, func(runs [][2]string) []string {
		out := make([]string, len(runs))
		for i, r := range runs {
			if err := upMaragu(t, r[0], r[1]); err != nil {
				out[i] = err.Error()
			}
		}
		return out
	})
}

// Names are sorted as texts, so 10 comes before 9; and what sorts before the last one never runs.
func TestMaraguOrder(t *testing.T) {
	t.Parallel()
	s := server(t)
	name, conn := database(t, s)
	root := t.TempDir()
	write(t, root, map[string]string{
		"go.mod": "module m\n\nrequire maragu.dev/migrate v0.6.0\n", "m/9_a.up.sql": "CREATE TABLE a (id int);\n",
	})
	commitBase(t, root)
	up := func() {
		t.Helper()
		if err := upMaragu(t, root+"/m", overTCP(t, s, name)); err != nil {
			t.Fatal(err)
		}
	}
	up()
	write(t, root, map[string]string{"m/10_b.up.sql": "CREATE TABLE b (id int);\n", "m/9_b.up.sql": "CREATE TABLE c (id int);\n",
		"m/9_c_up.sql": "CREATE TABLE d (id int);\n",
	})
	up()
	var ran []string
	const tables = "SELECT array_agg(relname::text ORDER BY relname) FROM pg_class WHERE relkind = 'r' AND relname ~ '^.$'"
	if err := conn.QueryRow(t.Context(), tables).Scan(&ran); err != nil {
		t.Fatal(err)
	}
	if strings.Join(ran, " ") != "a c d" {
		t.Errorf("tables: %v", ran)
	}
	report, err := audit.Changelog(t.Context(), audit.Config{Dir: root, Base: "HEAD"})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Migrations) != 3 || report.Migrations[2].ID != "9_c" {
		t.Errorf("migrations: %+v", report.Migrations)
	}
	late := []string{}
	for _, f := range report.Findings {
		if f.Rule == "release-out-of-order" {
			late = append(late, f.Migration)
		}
	}
	if strings.Join(late, " ") != "10_b" {
		t.Errorf("late: %v of %+v", late, report.Findings)
	}
}

// upMaragu runs the files of a directory that have not run.
func upMaragu(t *testing.T, dir, url string) error {
	t.Helper()
	db, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	return migrate.Up(t.Context(), db, os.DirFS(dir))
}
