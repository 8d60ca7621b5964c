package audit

import (
	"slices"
	"testing"

	"github.com/onward-sql/onward/onward"
)

// A dump that empties search_path ends the next file of a tool that keeps its connection, and no file of a tool that does not.
func TestEmptySearchPath(t *testing.T) {
	t.Parallel()
	const dump = "SELECT pg_catalog.set_config('search_path', '', false);\nCREATE TABLE public.extra (id bigint PRIMARY KEY);\n"
	for name, tt := range map[string]struct {
		base, head string
		want       bool
	}{
		"dbmate keeps its connection": {
			"-- db/migrations/20260101000000_a.sql --\n-- migrate:up\nCREATE TABLE t (id bigint PRIMARY KEY);\n-- migrate:down\n",
			"-- db/migrations/20260102000000_b.sql --\n-- migrate:up\n" + dump + "-- migrate:down\n" +
				"-- db/migrations/20260103000000_c.sql --\n-- migrate:up\nALTER TABLE t ADD COLUMN a int;\n-- migrate:down\n",
			true,
		},
		"psql is started for each file": {
			"-- migrate.sh --\nfor f in m/*.sql; do psql -1 -f $f; done\n-- m/1.sql --\nCREATE TABLE t (id bigint PRIMARY KEY);\n",
			"-- m/2.sql --\n" + dump + "-- m/3.sql --\nALTER TABLE t ADD COLUMN a int;\n",
			false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := changelog0(t, Config{Dir: repository(t, tt.base, tt.head), Base: "main"})
			got := slices.ContainsFunc(r.Findings, func(f onward.Finding) bool { return f.Rule == "release-search-path-empty" })
			if got != tt.want {
				t.Errorf("found: %t\n%+v", got, r.Findings)
			}
		})
	}
}
