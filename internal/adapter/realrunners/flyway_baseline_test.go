package realrunners

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/pgserver"
)

// A baseline migration made a database: onward takes the ones that it stands for as applied, as Flyway does, and goes on after them. It leaves
// the baseline itself to Flyway, which records it in its own way.
func TestFlywayBaseline(t *testing.T) {
	t.Parallel()
	up := upFlyway(t)
	s := server(t)
	const dir = "src/main/resources/db/migration/"
	root := t.TempDir()
	write(t, root, map[string]string{"README": "x"})
	commitBase(t, root)
	write(t, root, map[string]string{
		dir + "B2__base.sql": "CREATE TABLE a (id int);\nCREATE TABLE b (id int);\n",
		dir + "V3__c.sql":    "ALTER TABLE b ADD COLUMN c int;\n",
	})
	bring := func(db string) error {
		c := apply.PendingConfig{Config: apply.Config{DB: s.URL(db)}, Repository: audit.Config{Dir: root, Base: "main"}}
		_, err := apply.Pending(t.Context(), c)
		return err
	}

	empty, _ := database(t, s)
	if err := bring(empty); err == nil || !strings.Contains(err.Error(), "B2__base.sql") || !strings.Contains(err.Error(), "a baseline migration") {
		t.Errorf("onward runs a baseline migration itself: %v", err)
	}

	testRepairedHistory(t, s, root, dir, up, bring)

	db, conn := database(t, s)
	if err := up(filepath.Join(root, dir), overTCP(t, s, db)); err != nil {
		t.Fatal(err)
	}
	write(t, root, map[string]string{
		dir + "V1__a.sql": "CREATE TABLE a (id int);\n",
		dir + "V2__b.sql": "CREATE TABLE b (id int);\n",
		dir + "V4__d.sql": "ALTER TABLE b ADD COLUMN d int;\n",
	})
	if err := bring(db); err != nil {
		t.Fatal(err)
	}
	if err := up(filepath.Join(root, dir), overTCP(t, s, db)); err != nil {
		t.Errorf("Flyway does not go on: %v", err)
	}
	var rows string
	const history = "SELECT string_agg(version || ' ' || type, ', ' ORDER BY installed_rank) FROM flyway_schema_history"
	if err := conn.QueryRow(t.Context(), history).Scan(&rows); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("2 SQL_BASELINE, 3 SQL, 4 SQL", rows); diff != "" {
		t.Errorf("the history differs: %s", diff)
	}
}

// testRepairedHistory is about a database that ran the old migrations and a later one. The files of the old ones are gone, and flyway repair has
// marked them as deleted. Neither Flyway nor onward runs the baseline there. (Without the later one Flyway runs it, and fails: the tables are there.)
func testRepairedHistory(t *testing.T, s *pgserver.Server, root, dir string, up func(dir, url string) error, bring func(db string) error) {
	t.Helper()
	db, conn := database(t, s)
	old := t.TempDir()
	write(t, old, map[string]string{
		"V1__a.sql": "CREATE TABLE a (id int);\n", "V2__b.sql": "CREATE TABLE b (id int);\n", "V3__c.sql": "ALTER TABLE b ADD COLUMN c int;\n",
	})
	write(t, root, map[string]string{dir + "V4__d.sql": "ALTER TABLE b ADD COLUMN d int;\n"})
	if err := up(old, overTCP(t, s, db)); err != nil {
		t.Fatal(err)
	}
	const repair = "INSERT INTO flyway_schema_history SELECT installed_rank + 10, version, description, 'DELETE', script, checksum, installed_by, " +
		"installed_on, execution_time, success FROM flyway_schema_history WHERE version < '3'"
	if _, err := conn.Exec(t.Context(), repair); err != nil {
		t.Fatal(err)
	}
	if err := bring(db); err != nil {
		t.Errorf("onward does not go on after a repair: %v", err)
	}
	if err := up(filepath.Join(root, dir), overTCP(t, s, db)); err != nil {
		t.Errorf("Flyway does not go on after a repair: %v", err)
	}
	if err := os.Remove(filepath.Join(root, dir, "V4__d.sql")); err != nil {
		t.Fatal(err)
	}
	var versions string
	const ran = "SELECT string_agg(version, ', ' ORDER BY installed_rank) FROM flyway_schema_history WHERE type <> 'DELETE'"
	if err := conn.QueryRow(t.Context(), ran).Scan(&versions); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("1, 2, 3, 4", versions); diff != "" {
		t.Errorf("what ran differs: %s", diff)
	}
}
