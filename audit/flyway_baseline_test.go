package audit

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Databases with a history do not run a baseline migration, and the schema for what follows comes from it if the older files are gone.
func TestFlywayBaselineIsNotReleased(t *testing.T) {
	t.Parallel()
	const (
		dir   = "-- src/main/resources/db/migration/"
		users = "CREATE TABLE users (id bigint PRIMARY KEY, name text, code integer);\n"
		index = dir + "V3__index.sql --\nCREATE INDEX CONCURRENTLY users_name ON users (name);\n"
		wider = dir + "V4__code.sql --\nALTER TABLE users ALTER COLUMN code TYPE bigint;\n"
	)
	for name, tc := range map[string]struct {
		base, head string
		want       []string
	}{
		"beside the old one":   {dir + "V1__users.sql --\n" + users, dir + "B2__base.sql --\n" + users + index, nil},
		"the first of all":     {"", dir + "B2__base.sql --\n" + users + index, nil},
		"the base has only it": {dir + "B2__base.sql --\n" + users + index, wider, []string{"error column-type-rewrite V4__code.sql:1"}},
		"in place of the old one": {
			dir + "V1__users.sql --\n" + users, dir + "V1__users.sql --\n" + dir + "B2__base.sql --\n" + users + index,
			[]string{"error release-migration-deleted V1__users.sql:1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.base == "" {
				tc.base = "-- README.md --\na shop\n"
			}
			r := changelog0(t, Config{Dir: repository(t, tc.base, tc.head)})
			var got []string
			for _, f := range found(r) {
				if f[:5] == "error" {
					got = append(got, f)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if r.Migrations[0].ID == "B2__base" && tc.base[3:9] != "README" {
				t.Errorf("the baseline is judged: %+v", r.Migrations)
			}
		})
	}
}
