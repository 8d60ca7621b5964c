package audit

import (
	"testing"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// Code that changes rows, and a default whose value is not known, leave the
// schema certain; what asks the database before it acts does not.
func TestObscure(t *testing.T) {
	t.Parallel()
	for subject, want := range map[string]bool{
		"RunPython fill": false, "default first of domain": false, "Reads": true, "AddField": true,
	} {
		j, err := newJudge(config.Default(), &deployedFacts{})
		if err != nil {
			t.Fatal(err)
		}
		j.foldDeployed(&adapter.Migration{ID: "shop.0001_initial", Opaque: []onward.Opaque{{What: subject}}})
		if got := j.ensureEngine().Catalog().Unmodelled != nil; got != want {
			t.Errorf("%s: the schema is uncertain: %t, want %t", subject, got, want)
		}
	}
}
