package prove

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/internal/rules/tools/ruletest"
	"github.com/onward-sql/onward/onward"
)

// publicMajor is the server on which fixes of public releases run.
const publicMajor = 17

// TestPublicFixes does to the releases of public repositories what TestPrintedFixes does to fixtures. `make fixes`
// fetches them: ONWARD_FIX_RELEASES is a directory that has, for each release, a directory with base and head.
func TestPublicFixes(t *testing.T) {
	dir := os.Getenv("ONWARD_FIX_RELEASES")
	if dir == "" {
		component.Need(t, component.ByHand, errors.New("ONWARD_FIX_RELEASES names no directory: make fixes REPOS=…"))
	}
	releases, err := filepath.Glob(filepath.Join(dir, "*", "head"))
	if err != nil || len(releases) == 0 {
		t.Fatal("no releases", err)
	}
	server, err := NewBench(t.Context(), pgservertest.Server(t, publicMajor), nil)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := live.OpenObjects(t.Context(), server.Server.URL(server.database))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		objects.Close(context.Background())
		_ = server.Close(context.Background())
	})
	b := &fixBench{Bench: server, objects: objects, major: publicMajor, known: map[string]left{}}
	for _, head := range releases {
		t.Run(filepath.Base(filepath.Dir(head)), func(t *testing.T) {
			b.tryRelease(t, filepath.Join(filepath.Dir(head), "base"), head)
		})
	}
}

// tryRelease tries the fixes of each new migration of a release, each after all migrations before it.
func (b *fixBench) tryRelease(t *testing.T, base, head string) {
	t.Helper()
	deployed := map[string]bool{}
	for _, set := range setsOf(t, adaptertest.Disk(t, base)) {
		for _, m := range set.Migrations {
			deployed[m.Path] = true
		}
	}
	tree := adaptertest.Disk(t, head)
	tried := 0
	for _, set := range setsOf(t, tree) {
		before := ""
		for _, m := range set.Migrations {
			text, err := tree.Read(m.Path)
			if err != nil {
				t.Fatal(err)
			}
			if !deployed[m.Path] {
				tried += b.tryMigration(t, before, m.Path, projectIn(tree, set, m.Path), string(text))
			}
			for _, part := range m.Source.Parts {
				before += strings.TrimRight(strings.TrimSpace(part.SQL), ";") + ";\n"
			}
		}
	}
	t.Logf("%d fixes tried", tried)
}

// tryMigration tries the fixes of one migration after a schema, and counts them.
func (b *fixBench) tryMigration(t *testing.T, before, path string, tool project, text string) (tried int) {
	t.Helper()
	f, err := ruletest.ParseFixture([]byte("# a public release\n-- before.sql --\n" + before))
	if err != nil {
		t.Fatal(err)
	}
	ex := &ruletest.Release{Name: path}
	files, err := tool.readAll(t.Context(), f, []pastedFile{{text: text}})
	if err != nil {
		t.Logf("%s: %v", path, err)
		return 0
	}
	sent := messages(files)
	findings, statements, err := judge(f, files, b.major)
	if err != nil {
		t.Logf("%s: %v", path, err)
		return 0
	}
	for i := range findings {
		x := &findings[i]
		index := slices.IndexFunc(rules.All(), func(r *rule.Rule) bool { return r.ID == x.Rule })
		if parts := splitFix(x.Instead); index >= 0 && len(parts) > 0 && x.Severity == onward.Error {
			tried++
			p := proof{rules.All()[index], f}
			if problem := b.tryFix(t, p, ex, tool, text, sent, statements, findings, x, parts); problem != "" {
				t.Errorf("%s:%d: the fix of %s: %s\n%s", path, x.Line, x.Rule, problem, x.Instead)
			}
		}
	}
	return tried
}

// setsOf are the sources of a tree.
func setsOf(t *testing.T, tree adapter.Tree) (out []*adapter.Set) {
	t.Helper()
	sources, _ := adapter.DetectSources(tree, all.ListAdapters())
	chosen, _ := adapter.ChooseSources(sources)
	for _, s := range chosen {
		a, _ := all.FindAdapter(s.Framework)
		if a.Traits().Renders {
			continue
		}
		set, err := a.Load(t.Context(), tree, s)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, set)
	}
	return out
}

// projectIn is a repository as a small project: the files of its source, and the settings above them.
func projectIn(tree adapter.Tree, set *adapter.Set, release string) project {
	otherFiles := map[string]string{}
	dir := cmp.Or(set.Source.Dir, ".") + "/"
	for _, p := range tree.Paths() {
		isAbove := strings.HasPrefix(dir, filepath.Dir(p)+"/") || filepath.Dir(p) == "."
		if p == release || !isAbove && !strings.HasPrefix(p, dir) {
			continue
		}
		if text, err := tree.Read(p); err == nil && len(text) < 1<<18 {
			otherFiles[p] = string(text)
		}
	}
	return project{release: release, text: "%s", others: otherFiles}
}
