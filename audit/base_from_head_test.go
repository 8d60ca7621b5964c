package audit

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

func TestStandIn(t *testing.T) {
	t.Parallel()
	now := map[string]string{"app/0001.py": "one", "app/0002.py": "two, edited", "app/0003.py": "three"}
	head := &adapter.Set{}
	for _, m := range []struct{ id, path string }{
		{"auth.0001", "django/auth/0001.py"}, {"app.0001", "app/0001.py"}, {"app.0002", "app/0002.py"}, {"app.0003", "app/0003.py"},
	} {
		head.Migrations = append(head.Migrations, &adapter.Migration{ID: m.id, Path: m.path, Source: script.Source{Text: now[m.path]}})
	}
	a := &changelog{
		rng:  &gitrange.Range{BaseName: "main", HeadName: "feature"},
		head: adaptertest.Text(now), base: adaptertest.Text(map[string]string{"app/0001.py": "one", "app/0002.py": "two"}),
	}
	err := fmt.Errorf("at main: %w", fmt.Errorf("import the settings: no module \"x\"; name the interpreter"))
	base := a.buildBaseFromHead(head, adapter.Source{Dir: "web"}, err, partial{})
	var ids []string
	for _, m := range base.Migrations {
		ids = append(ids, m.ID)
	}
	if diff := cmp.Diff([]string{"auth.0001", "app.0001", "app.0002"}, ids); diff != "" {
		t.Error("deployed:", diff)
	}
	if base.Models != nil {
		t.Error("the models of the head are not those of the deployed code")
	}
	want := []onward.Opaque{{Path: "web/manage.py", What: "the project at main", Why: "import the settings: no module \"x\"; " +
		"the schema of main is folded from the 2 migrations of feature that it has too, as they are there now: app.0002 had another text; " +
		"its models and its deleted migrations are not known", Usage: true}}
	if diff := cmp.Diff(want, a.opaque); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(a.opaque[0].Why, "interpreter") {
		t.Error("the advice is for the head, which needs none")
	}
}

// Models that were read with stubs for packages prove a use. If they lack a column, the
// code is searched.
func TestPartialModels(t *testing.T) {
	t.Parallel()
	a := &changelog{
		rng:  &gitrange.Range{BaseName: "main", HeadName: "feature"},
		head: adaptertest.Text(nil), base: adaptertest.Text(nil),
	}
	known := partial{
		[]adapter.Model{{Name: "shop.Item", Table: "shop_item", Columns: []adapter.ModelColumn{{Field: "name", Column: "name"}}}},
		[]string{"markdown", "x of y"},
	}
	base := a.buildBaseFromHead(&adapter.Set{}, adapter.Source{}, errors.New("no module"), known)
	if reason := a.opaque[0].Why; !strings.HasSuffix(reason, "; its models are read without markdown and x of y; its deleted migrations are not known") {
		t.Errorf("the reason is %q, want the unread apps and the deleted migrations in it", reason)
	}
	if !base.Partial || len(base.Models) != len(known.models) {
		t.Errorf("the base is %+v, want a partial one with %d model", base, len(known.models))
	}
}

// A project that moved, as well, has the same migrations elsewhere.
func TestStandInOfMovedProject(t *testing.T) {
	t.Parallel()
	now := map[string]string{"apps/api/shop/0001.py": "one", "apps/api/shop/0002.py": "two"}
	head := &adapter.Set{Source: adapter.Source{Dir: "apps/api"}}
	for _, id := range []string{"0001", "0002"} {
		file := "apps/api/shop/" + id + ".py"
		head.Migrations = append(head.Migrations, &adapter.Migration{ID: "shop." + id, Path: file, Source: script.Source{Text: now[file]}})
	}
	a := &changelog{
		rng:  &gitrange.Range{BaseName: "main", HeadName: "feature"},
		head: adaptertest.Text(now), base: adaptertest.Text(map[string]string{"server/shop/0001.py": "one"}),
	}
	base := a.buildBaseFromHead(head, adapter.Source{Dir: "server"}, errors.New("no module"), partial{})
	if len(base.Migrations) != 1 || base.Migrations[0].ID != "shop.0001" {
		t.Errorf("deployed: %v", base.Migrations)
	}
	if strings.Contains(a.opaque[0].Why, "had another text") {
		t.Error("it was not edited:", a.opaque[0].Why)
	}
}
