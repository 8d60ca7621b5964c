package django

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

func TestContract(t *testing.T) {
	t.Parallel()
	dir := project(t, "shop")
	adaptertest.Exercise(t, &Adapter{Home: dir, Python: venv(t, "django-5.2-none"), CacheDir: t.TempDir()}, dir)
}

func load(t *testing.T, a *Adapter, tree adapter.Tree) (*adapter.Set, map[string]*adapter.Migration) {
	t.Helper()
	sources := a.Detect(tree)
	if len(sources) != 1 {
		t.Fatalf("%d sources: %v", len(sources), sources)
	}
	set, err := a.Load(context.Background(), tree, sources[0])
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]*adapter.Migration{}
	for _, m := range set.Migrations {
		byID[m.ID] = m
	}
	return set, byID
}

// MIGRATION_MODULES puts migrations anywhere.
func TestIsMigration(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]bool{
		"shop/migrations/0001_initial.py": true, "shop/migrations/later.py": true, "shop/migrations/__init__.py": false,
		"shop/db_migrations/0001_initial.py": true, "project/migrations/shop/0001_initial.py": true, "shop/db_migrations/helpers.py": false,
		"shop/0001_initial.py": false, "shop/migrations/0001_initial.sql": false,
	} {
		if got := isMigration(file); got != want {
			t.Errorf("isMigration(%q) = %t, want %t", file, got, want)
		}
	}
}

func TestSet(t *testing.T) {
	t.Parallel()
	dir := project(t, "rough")
	a := &Adapter{Home: dir, Python: venv(t, "django-5.2-none"), CacheDir: "-"}
	set, byID := load(t, a, adaptertest.Disk(t, dir))

	var conflicts []string
	for _, h := range set.History {
		if h.Kind == history.Conflict && strings.HasPrefix(h.Migration, "conflict.") {
			conflicts = append(conflicts, h.Migration+" "+h.Other+" "+h.Path)
		}
	}
	want := []string{"conflict.0002_right conflict.0002_left conflict/migrations/0002_right.py"}
	if diff := cmp.Diff(want, conflicts); diff != "" {
		t.Error(diff)
	}
	if m := byID["broken.0003_syntax"]; !strings.Contains(m.Failed, "SyntaxError") || !strings.HasSuffix(m.Failed, "(0003_syntax.py, line 3)") ||
		m.Path != "broken/migrations/0003_syntax.py" {
		t.Errorf("a file that does not parse: %+v", m)
	}
	if m := byID["broken.0004_missing"]; m.Failed != "" || len(m.Source.Parts) != 1 || len(m.Opaque) != 1 || !m.Opaque[0].Failed {
		t.Errorf("an operation that fails: %+v", m)
	}
	if diff := cmp.Diff([]string{"squashed.0001_initial", "squashed.0002_size"}, byID["squashed.0001_squashed_0002"].Replaces); diff != "" {
		t.Error(diff)
	}
	// A message of several statements in a migration that is not atomic.
	m := byID["custom.0002_step"]
	s, err := script.BuildScript(m.Source)
	if err != nil {
		t.Fatal(err)
	}
	var origins []script.Origin
	for _, st := range s.Statements {
		origins = append(origins, st.Origin)
	}
	if diff := cmp.Diff([]script.Origin{script.Message, script.Message, script.Alone, script.Alone}, origins); diff != "" {
		t.Errorf("mode %s: %s", m.Source.Mode, diff)
	}
	if byID["custom.0001_initial"].Source.Mode != onward.TransactionFile {
		t.Errorf("mode of an atomic migration: %s", byID["custom.0001_initial"].Source.Mode)
	}
	var opaque []string
	for _, o := range byID["custom.0001_initial"].Opaque {
		opaque = append(opaque, o.What)
	}
	if diff := cmp.Diff([]string{"Reads", "Hides", "Exits", "SeparateDatabaseAndState fill"}, opaque); diff != "" {
		t.Error(diff)
	}
}

func TestDetect(t *testing.T) {
	t.Parallel()
	manage := "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'x')"
	tree := adaptertest.Text(map[string]string{
		"web/manage.py":                                 manage,
		"web/shop/migrations/__init__.py":               "",
		"web/shop/migrations/0001_initial.py":           "",
		"web/tests/manage.py":                           manage,
		"web/tests/app/migrations/0001_initial.py":      "",
		"flask/manage.py":                               "from flask_script import Manager",
		"flask/migrations/versions.py":                  "",
		"own/manage.py":                                 "from shop.commands import main\nmain()",
		"own/shop/migrations/0001_initial.py":           "from django.db import migrations",
		"bare/manage.py":                                manage,
		"node_modules/x/manage.py":                      manage,
		"node_modules/x/a/migrations/1.py":              "",
		"{{cookiecutter.slug}}/manage.py":               manage,
		"{{cookiecutter.slug}}/a/migrations/0001_i.py":  "",
		"venv/lib/python3/site-packages/p/manage.py":    manage,
		"venv/lib/python3/site-packages/p/migrations/1": "",
	})
	var dirs []string
	for _, s := range (&Adapter{}).Detect(tree) {
		dirs = append(dirs, s.Dir)
	}
	if diff := cmp.Diff([]string{"own", "web"}, dirs); diff != "" {
		t.Error(diff)
	}
}
