package audit

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What gorm.Model brings into a struct is a column of that struct's table, and of
// no other in the file.
func TestEmbedded(t *testing.T) {
	t.Parallel()
	const base = "-- go.mod --\nmodule m\n-- m/001_a.sql --\nCREATE TABLE products (id bigint PRIMARY KEY, updated_at timestamptz);\n" +
		"CREATE TABLE tags (id bigint PRIMARY KEY, updated_at timestamptz);\n" +
		"-- m/002_b.sql --\nSELECT 1;\n-- models.go --\npackage models\n\ntype Product struct {\n\tgorm.Model\n\tName string\n}\n\ntype Tag struct {\n\tID int64\n}\n"
	for table, want := range map[string][]string{"products": {"error"}, "tags": {"info"}} {
		report := changelog0(t, Config{
			Dir:  repository(t, base, "-- m/003_c.sql --\nSET LOCAL lock_timeout = '1s';\nALTER TABLE "+table+" DROP COLUMN updated_at;\n"),
			Base: "main",
		})
		var got []string
		for _, f := range report.Findings {
			if f.Rule == "column-drop" {
				got = append(got, f.Severity.String())
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", table, diff)
		}
	}
}
