package realrunners

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/audit"
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
