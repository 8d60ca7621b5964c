package audit

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A directory whose files were formatted when it moved is the same history: git does not see that they moved. The names decide, and all of
// them must have come.
func TestMovedAndFormattedDirectory(t *testing.T) {
	t.Parallel()
	program := func(name, body string, formatted bool) string {
		text := "import { Migration } from '@mikro-orm/migrations';\n\nexport class " + name + " extends Migration {\n\n  async up(): Promise<void> {\n" +
			"    this.addSql('" + body + "');\n  }\n\n}\n"
		if formatted {
			text = strings.NewReplacer("'", "`", ";\n", "\n", "\n  ", "\n\t", "  ", "\t", "async ", "override async\n\t").Replace(text)
		}
		return text
	}
	const one, two = `create table "t1" ("id" text not null, "name" text null);`, `create table "t2" ("id" text not null, "name" text null);`
	base := "-- src/migrations/M20240101000000.ts --\n" + program("M20240101000000", one, false) +
		"-- src/migrations/M20240102000000.ts --\n" + program("M20240102000000", two, false)
	const gone = "-- src/migrations/M20240101000000.ts --\n-- src/migrations/M20240102000000.ts --\n"
	for name, tc := range map[string]struct {
		head string
		want []string
	}{
		"formatted": {
			gone + "-- core/db/migrations/M20240101000000.ts --\n" + program("M20240101000000", one, true) +
				"-- core/db/migrations/M20240102000000.ts --\n" + program("M20240102000000", two, true),
			[]string{"info release-migration-edited M20240101000000.ts:1", "info release-migration-edited M20240102000000.ts:1"},
		},
		"one did not come": {
			gone + "-- core/db/migrations/M20240101000000.ts --\n" + program("M20240101000000", one, true) +
				"-- core/db/migrations/M20240103000000.ts --\n" + program("M20240103000000", two, true),
			[]string{"warning release-migration-deleted M20240101000000.ts:1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := changelog0(t, Config{Dir: repository(t, base, tc.head), Base: "main"})
			if diff := cmp.Diff(tc.want, found(r)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
