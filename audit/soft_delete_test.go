package audit

import (
	"strings"
	"testing"
)

// Code that begins to mark rows as deleted is reported with the queries that show them, of both revisions.
func TestSoftDelete(t *testing.T) {
	t.Parallel()
	const (
		schema = "-- db/migrations/001_a.sql --\nCREATE TABLE users (id bigint PRIMARY KEY, name text, team int, deleted_at timestamptz);\n" +
			"-- db/migrations/002_b.sql --\nSELECT 1;\n"
		list   = "cur.execute(\"SELECT id, name FROM users WHERE team = %s\", (team,))\n"
		live   = "cur.execute(\"SELECT id, name FROM users WHERE team = %s AND deleted_at IS NULL\", (team,))\n"
		one    = "cur.execute(\"SELECT name FROM users WHERE id = %s\", (id,))\n"
		remove = "cur.execute(\"DELETE FROM users WHERE id = %s\", (id,))\n"
		mark   = "cur.execute(\"UPDATE users SET deleted_at = now() WHERE id = %s\", (id,))\n"
	)
	for name, tt := range map[string]struct {
		base, head string
		want       string // a part of the harm; "" for no finding
	}{
		"both show them":           {list + remove, list + mark, "the new code shows the marked rows (at app.py:1), and the deployed code shows them until"},
		"the deployed code does":   {list + remove, live + mark, "the deployed code shows them until the new code has replaced it everywhere (at app.py:1)"},
		"all filter":               {live + remove, live + mark, ""},
		"a row by its key":         {one + remove, one + mark, ""},
		"it deletes as before":     {list + remove, list + remove + "\n", ""},
		"it deletes in more cases": {list + remove, list + remove + mark, ""},
		"it marked rows before":    {list + remove + mark, list + mark, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := changelog0(t, Config{
				Dir:  repository(t, schema+"-- app.py --\n"+tt.base, "-- app.py --\n"+tt.head+"-- db/migrations/003_c.sql --\nCREATE TABLE c (id bigint PRIMARY KEY);\n"),
				Base: "main",
			})
			got := ""
			for _, f := range r.Findings {
				if f.Rule == "release-soft-delete-shown" {
					got = f.Harm
				}
			}
			if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
