package all_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/all"
)

// Every adapter has a name of its own, finds nothing in an empty tree, and can
// be found by its name.
func TestAll(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, a := range all.ListAdapters() {
		if a.Name() == "" || seen[a.Name()] {
			t.Errorf("name %q is empty or taken", a.Name())
		}
		seen[a.Name()] = true
		if got := a.Detect(adaptertest.Files{}); len(got) > 0 {
			t.Errorf("%s finds %+v in nothing", a.Name(), got)
		}
		if b, ok := all.FindAdapter(a.Name()); !ok || b.Name() != a.Name() {
			t.Errorf("Named(%q) = %v, %t", a.Name(), b, ok)
		}
	}
	for _, name := range []string{"django", "goose", "golang-migrate", "sqlx", "sql"} {
		if !seen[name] {
			t.Errorf("%s is missing", name)
		}
	}
	if _, ok := all.FindAdapter("struts"); ok {
		t.Error("struts is no adapter")
	}
}

// ownContract says why an adapter's own package holds it to its contract.
var ownContract = map[string]string{
	"db-migrate": "runs programs", "payload": "runs programs", "strapi": "runs programs", "directus": "runs programs", "umzug": "runs programs",
	"django": "needs Python", "alembic": "needs Python", "liquibase": "has several changesets in a file", "sql": "has several projects",
}

// TestConformance holds each adapter to its contract, on the project beside it.
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, a := range all.ListAdapters() {
		if ownContract[a.Name()] != "" {
			continue
		}
		t.Run(a.Name(), func(t *testing.T) {
			t.Parallel()
			adaptertest.Exercise(t, a, "../"+strings.ReplaceAll(a.Name(), "-", "")+"/testdata/shop")
		})
	}
}
