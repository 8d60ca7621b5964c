package audit_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

// A search path that is set for a transaction ends with it, at the base and in a release; one that is set for the
// session stays in the file.
func TestLocalSearchPath(t *testing.T) {
	t.Parallel()
	const up = "-- +goose Up\n"
	for name, tc := range map[string]struct {
		set   string
		finds bool
	}{
		"SET LOCAL":           {"SET LOCAL search_path = pg_catalog;\n", false},
		"set_config, local":   {"SELECT set_config('search_path', 'pg_catalog', true);\n", false},
		"SET":                 {"SET search_path = pg_catalog;\n", true},
		"set_config":          {"SELECT set_config('search_path', 'pg_catalog', false);\n", true},
		"SET, then SET LOCAL": {"SET search_path = pg_catalog;\nSET LOCAL search_path = public;\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := gittest.Commits(t, map[string]string{
				"db/00001_a.sql": up + "CREATE TABLE orders (id bigint PRIMARY KEY);\nSET LOCAL search_path = pg_catalog;\n",
			}, map[string]string{
				"db/00002_b.sql": up + "SET LOCAL lock_timeout = '1s';\nALTER TABLE orders ADD COLUMN note text;\n",
				"db/00003_c.sql": "-- +goose NO TRANSACTION\n" + up + "BEGIN;\nSELECT 1 FROM orders;\n" + tc.set + "COMMIT;\nALTER TABLE orders ADD COLUMN more text;\n",
			})
			r, err := audit.Changelog(t.Context(), audit.Config{Dir: dir, Base: "main"})
			if err != nil {
				t.Fatal(err)
			}
			finds := false
			for _, f := range r.Findings {
				finds = finds || strings.Contains(f.Fact, "pg_catalog.orders")
			}
			if finds != tc.finds {
				t.Errorf("the findings are %+v, want pg_catalog.orders in them: %v", r.Findings, tc.finds)
			}
		})
	}
}
