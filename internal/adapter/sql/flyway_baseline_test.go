package sql_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/sql"
)

// A baseline migration makes a new database. Beside a migration that it stands for it is left out, as databases with a history leave it out.
func TestFlywayBaselineMigrations(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ files, want []string }{
		"beside all":       {[]string{"V1__a.sql", "V2__b.sql", "B2__base.sql", "V3__c.sql"}, []string{"V1__a", "V2__b", "V3__c"}},
		"beside one":       {[]string{"V2__b.sql", "B2__base.sql", "V3__c.sql"}, []string{"V2__b", "V3__c"}},
		"alone":            {[]string{"B2__base.sql", "V3__c.sql", "R__v.sql"}, []string{"B2__base", "V3__c", "R__v"}},
		"two":              {[]string{"B2__base.sql", "B10.1__base.sql", "V11__c.sql"}, []string{"B10.1__base", "V11__c"}},
		"versions in full": {[]string{"V1_9__a.sql", "B1.10__base.sql", "V2__c.sql"}, []string{"V1_9__a", "V2__c"}},
		"a name like it":   {[]string{"V1__a.sql", "Base__x.sql", "B_2__x.sql"}, []string{"V1__a"}},
	} {
		tree := adaptertest.Files{}
		for _, n := range tc.files {
			tree["db/migration/"+n] = []byte("SELECT 1;\n")
		}
		set, err := sql.Adapter{}.Load(t.Context(), tree, adapter.Source{Framework: sql.Name, Dir: "db/migration"})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var got []string
		for _, m := range set.Migrations {
			got = append(got, m.ID)
			if m.Baseline != (m.ID[0] == 'B') {
				t.Errorf("%s: %s is a baseline: %v", name, m.ID, m.Baseline)
			}
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: the migrations differ: %s", name, diff)
		}
		if len(set.History) > 0 {
			t.Errorf("%s: two of one version: %+v", name, set.History)
		}
	}
}
