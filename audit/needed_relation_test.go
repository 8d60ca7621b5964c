package audit

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/onward"
)

// A branch for a table that no migration creates is not judged, and listed once. Any doubt about the history keeps it.
func TestBranchWithoutItsRelation(t *testing.T) {
	t.Parallel()
	const (
		users  = "CREATE TABLE users (id int PRIMARY KEY, name text);\n"
		queue  = "CREATE TABLE queue (id int PRIMARY KEY, name text);\n"
		branch = "ALTER TABLE queue RENAME TO queue_old;\nCREATE TABLE queue (id int, name text);\n" +
			"INSERT INTO queue SELECT id, name FROM queue_old;\nDROP TABLE queue_old;\n"
	)
	block := func(condition, body string) string {
		return "-- db/migrations/003_b.sql --\nSET lock_timeout = '2s';\nDO $$ BEGIN\nIF " + condition + " THEN\n" + body + "END IF;\nEND $$;\n"
	}
	for name, tc := range map[string]struct {
		base, next string
		judged     bool
	}{
		"to_regclass":            {users, block("to_regclass('queue') IS NOT NULL", branch), false},
		"to_regclass in a query": {users, block("(SELECT to_regclass('public.queue') IS NOT NULL)", branch), false},
		"to_regclass and more":   {users, block("to_regclass('queue'::text) IS NOT NULL AND now() > '2020-01-01'", branch), false},
		"pg_tables":              {users, block("EXISTS (SELECT FROM pg_tables WHERE schemaname = 'public' AND tablename = 'queue')", branch), false},
		"information_schema":     {users, block("EXISTS (SELECT 1 FROM information_schema.tables WHERE table_name = 'queue')", branch), false},
		"nested":                 {users, block("to_regclass('queue') IS NOT NULL", "IF EXISTS (SELECT FROM users) THEN\n"+branch+"END IF;\n"), false},
		"returns without it":     {users, block("to_regclass('queue') IS NULL", "RETURN;\nEND IF;\n"+branch+"IF true THEN NULL;\n"), false},
		"returns unless it exists": {
			users,
			block("NOT EXISTS (SELECT FROM pg_tables WHERE tablename = 'queue')", "RAISE NOTICE 'none';\nRETURN;\nEND IF;\n"+branch+"IF true THEN NULL;\n"),
			false,
		},
		"returns if it exists": {users, block("to_regclass('queue') IS NOT NULL", "RETURN;\nEND IF;\n"+branch+"IF true THEN NULL;\n"), true},
		"goes on without it":   {users, block("to_regclass('queue') IS NULL", "NULL;\nEND IF;\n"+branch+"IF true THEN NULL;\n"), true},
		"may return in a loop": {
			users,
			block("now() > '2020-01-01'", "IF to_regclass('queue') IS NULL THEN\nRETURN;\nEND IF;\nEND IF;\n"+branch+"IF true THEN NULL;\n"),
			true,
		},
		"dropped":                   {users + queue + "DROP TABLE queue;\n", block("to_regclass('queue') IS NOT NULL", branch), false},
		"exists":                    {users + queue, block("to_regclass('queue') IS NOT NULL", branch), true},
		"created by the release":    {users, "-- db/migrations/002_q.sql --\n" + queue + block("to_regclass('queue') IS NOT NULL", branch), true},
		"created before the branch": {users, strings.Replace(block("to_regclass('queue') IS NOT NULL", branch), "BEGIN\n", "BEGIN\n"+queue, 1), true},
		"or":                        {users, block("to_regclass('queue') IS NOT NULL OR now() > '2020-01-01'", branch), true},
		"IS NULL":                   {users, block("to_regclass('queue') IS NULL", branch), true},
		"a view of another schema":  {users, block("EXISTS (SELECT 1 FROM app.tables WHERE table_name = 'queue')", branch), true},
		"no history":                {"SELECT 1;\n", block("to_regclass('queue') IS NOT NULL", branch), true},
		"history without its start": {users + "ALTER TABLE orders ADD COLUMN a int;\n", block("to_regclass('queue') IS NOT NULL", branch), true},
		"history with secrets":      {users + "DO $$ BEGIN EXECUTE f(); END $$;\n", block("to_regclass('queue') IS NOT NULL", branch), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := changelog0(t, Config{Dir: repository(t, "-- db/migrations/001_a.sql --\n"+tc.base, tc.next), Base: "main"})
			listed, changed := 0, 0
			for _, o := range r.Opaque {
				if strings.Contains(o.Why, "queue exists, which no migration creates") {
					listed++
				}
			}
			for _, f := range r.Findings {
				if f.Severity >= onward.Warning {
					changed++
				}
			}
			for _, m := range r.Migrations {
				for _, c := range m.Changes {
					if m.Path == "db/migrations/003_b.sql" && strings.HasPrefix(c.Object, "queue") {
						changed++
					}
				}
			}
			if want := map[bool]int{true: 0, false: 1}[tc.judged]; listed != want || (changed > 0) != tc.judged {
				t.Errorf("listed %d, not %d; %d changes and findings: %v", listed, want, changed, r.Findings)
			}
		})
	}
}
