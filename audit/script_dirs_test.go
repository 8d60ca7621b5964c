package audit

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/onward"
)

// TestUntouchedScriptsSayNothing holds that a directory of SQL files that only look like migrations is a condition of the verdict only if the
// release changes it.
func TestUntouchedScriptsSayNothing(t *testing.T) {
	t.Parallel()
	base := map[string]string{
		"go.mod":                   "module example.org/x\n",
		"tools/migrations/old.sql": "DELETE FROM t WHERE id = 1;\n",
		"db/schema/1_a.up.sql":     "CREATE TABLE t (id int);\n", "db/schema/1_a.down.sql": "DROP TABLE t;\n",
	}
	for name, c := range map[string]struct {
		head      map[string]string
		condition string
	}{
		"untouched": {map[string]string{"db/schema/2_b.up.sql": "CREATE TABLE u (id int);\n", "db/schema/2_b.down.sql": "DROP TABLE u;\n"}, ""},
		"touched": {map[string]string{
			"db/schema/2_b.up.sql": "CREATE TABLE u (id int);\n", "db/schema/2_b.down.sql": "DROP TABLE u;\n", "tools/migrations/old.sql": "DELETE FROM t;\n",
		}, "1 SQL file in a directory called migrations"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := reportOf(t, base, c.head)
			if r.Summary.State != onward.StateSafe && c.condition == "" || !strings.Contains(r.Summary.Verdict, c.condition) {
				t.Errorf("the verdict is %q, want the condition %q", r.Summary.Verdict, c.condition)
			}
		})
	}
}
