package realrunners

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/onward"
)

// TestWaitsForKnex has a plan wait at its last step while Knex works, which marks that in a table, and records names with the endings that the table
// has.
func TestWaitsForKnex(t *testing.T) {
	t.Parallel()
	up := upKnex(t)
	s := server(t)
	db, conn := database(t, s)
	root, url := t.TempDir(), overTCP(t, s, db)
	text := layout{text: knexText}
	write(t, root, map[string]string{
		"migrations/20240101_a.js": text.textOf("", "CREATE TABLE a (id bigint PRIMARY KEY, note text)"),
		"knexfile.json":            `{"client": "pg", "migrations": {"tableName": "done", "schemaName": "shop"}}`,
	})
	commitBase(t, root)
	execute(t, conn, "CREATE SCHEMA shop")
	if err := up(filepath.Join(root, "migrations"), url); err != nil {
		t.Fatal(err)
	}
	execute(t, conn, "UPDATE shop.done SET name = '20240101_a.ts'; UPDATE shop.done_lock SET is_locked = 1")
	write(t, root, map[string]string{"migrations/20240102_b.js": text.textOf("", "ALTER TABLE a ADD COLUMN b int; CREATE INDEX ON a (b)")})
	repository := audit.Config{Dir: root, Base: "main"}
	p := sketchPlan(t, repository)
	lost := 0
	got, err := apply.RunPlanAndRecord(t.Context(), apply.PendingConfig{
		Config: apply.Config{
			DB: s.URL(db), Plan: p, Through: onward.Contract, Within: time.Minute, Unproven: "the tests of plan prove such plans",
			Tell: func(e apply.Event) {
				if e.Kind == apply.Lost && strings.Contains(e.Words, "own tool is at work") {
					if lost++; lost == 1 {
						execute(t, conn, "UPDATE shop.done_lock SET is_locked = 0")
					}
				}
			},
		},
		Repository: repository,
	})
	if err != nil || got.State != onward.ApplyDone || got.Next != "" || lost == 0 {
		t.Fatalf("%+v %v, lost %d", got, err, lost)
	}
	var name string
	if err := conn.QueryRow(t.Context(), "SELECT name FROM shop.done WHERE batch = 2").Scan(&name); err != nil || name != "20240102_b.ts" {
		t.Errorf("%q is recorded (%v)", name, err)
	}
}
