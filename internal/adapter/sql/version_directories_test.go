package sql_test

import (
	"context"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/sql"
)

// Directories of a project's own versions are one history, in the order of these.
func TestVersionDirectories(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, files, want string }{
		{"dotted", "migration/3.2/0001##b migration/3.2/0000##a migration/3.10/0000##c migration/LATEST",
			"migration: 3.2/0000##a 3.2/0001##b 3.10/0000##c"},
		{"the first of them", "migration/3.2/0000##a", "migration: 3.2/0000##a"},
		{"deltas", "schema/delta/9/02_b schema/delta/10/01_c schema/delta/9/01a", "schema/delta: 9/01a 9/02_b 10/01_c"},
		{"with a down migration", "migrations/v1.0/01_a migrations/v1.0/01_a.down migrations/v1.1/01_b", "migrations: v1.0/01_a v1.1/01_b"},
		{"of servers", "postgres/13.1/01_a postgres/13.1/02_b postgres/14.1/01_a postgres/14.1/02_b",
			"postgres/13.1: 01_a 02_b; postgres/14.1: 01_a 02_b"},
		{"chapters", "book/1/01_a book/1/02_b book/2/01_c book/2/02_d", "book/1: 01_a 02_b; book/2: 01_c 02_d"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{}
			for f := range strings.FieldsSeq(tt.files) {
				files[f+".sql"] = "SELECT 1;\n"
			}
			tree := adaptertest.Text(files)
			var got []string
			for _, s := range (sql.Adapter{}).Detect(tree) {
				set, err := sql.Adapter{}.Load(context.Background(), tree, s)
				if err != nil {
					t.Fatal(err)
				}
				ids := ""
				for _, m := range set.Migrations {
					ids += " " + m.ID
				}
				got = append(got, s.Dir+":"+ids)
			}
			if s := strings.Join(got, "; "); s != tt.want {
				t.Errorf("%s, not %s", s, tt.want)
			}
		})
	}
}
