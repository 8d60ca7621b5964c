package sql_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/sql"
	"github.com/onward-sql/onward/onward"
)

// A file that Flyway ignores because of its name is a warning with the reason, unless it is not meant
// for Flyway.
func TestFlywayMisnamed(t *testing.T) {
	t.Parallel()
	const dir = "db/migration/"
	tree := adaptertest.Files{}
	for _, n := range []string{
		"V1__a.sql", "V2_b.sql", "v3__c.sql", "V4.1__d.sql", "V5_1_e.sql", "R__view.sql", "U1__a.sql", "seed.sql",
		"values.sql", "beforeMigrate.sql",
	} {
		tree[dir+n] = []byte("SELECT 1;\n")
	}
	set, err := sql.Adapter{}.Load(t.Context(), tree, adapter.Source{Framework: sql.Name, Dir: "db/migration"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range set.Problems {
		if p.Severity != onward.Warning {
			t.Errorf("%s: severity %s, want a warning", p.Path, p.Severity)
		}
		got = append(got, p.Message)
		if slices.ContainsFunc(set.Opaque, func(o onward.Opaque) bool { return o.Path == p.Path }) {
			t.Errorf("%s is told twice", p.Path)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{
		`Flyway passes over V2_b.sql: no "__" follows its version`, `Flyway passes over V5_1_e.sql: no "__" follows its version`, "Flyway passes over v3__c.sql: its prefix is a small v",
	}, got); diff != "" {
		t.Error(diff)
	}
}
