package audit

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/rules/tools/page"
	"github.com/onward-sql/onward/onward"
)

// requireConfiguredMigrations refuses a configured directory in which neither revision has migrations: it is probably a wrong name, and
// nothing would be judged without any message.
func (a *changelog) requireConfiguredMigrations(pairs []pair, adapters []adapter.Adapter) error {
	for i := range a.Settings.Migrations {
		m := &a.Settings.Migrations[i]
		dir := path.Join(".", strings.Trim(m.Dir, "/"))
		if dir == "." {
			dir = ""
		}
		if slices.ContainsFunc(pairs, func(p pair) bool {
			return p.source.Dir == dir && (a.hasOwnMigrations(p.head, adapters) || a.hasOwnMigrations(p.base, adapters))
		}) ||
			slices.ContainsFunc(a.opaque, func(o onward.Opaque) bool { return o.Path == cmp.Or(dir, ".") }) {
			continue
		}
		noun := "migrations"
		if m.Framework != "" {
			noun = m.Framework + " migrations"
		}
		text := fmt.Sprintf("there are no %s in %s, neither at %s nor at %s", noun, cmp.Or(dir, "."), a.rng.BaseName, a.rng.HeadName)
		if found, _ := adapter.DetectSources(a.head, adapters); len(found) > 0 {
			chosen, _ := adapter.ChooseSources(found)
			var seen []string
			for _, s := range chosen[:min(3, len(chosen))] {
				seen = append(seen, fmt.Sprintf("%s (%s)", cmp.Or(s.Dir, "."), s.Framework))
			}
			text += "; what looks like migrations is in " + strings.Join(seen, ", ")
		}
		return &config.InputError{Err: errors.New(text)}
	}
	return nil
}

// hasOwnMigrations reports whether a configured source is not empty: it has migrations, a project that renders them, or files that are left out
// with a reason. A directory of programs inside of a rendered project has none: the setting should name the project's directory.
func (a *changelog) hasOwnMigrations(s *adapter.Set, adapters []adapter.Adapter) bool {
	switch {
	case s == nil || s.Absent:
		return false
	case all.Traits(s.Source.Framework).Renders || slices.ContainsFunc(s.Migrations, func(m *adapter.Migration) bool { return strings.HasSuffix(m.Path, ".sql") }):
		return true
	case len(s.Migrations)+len(s.Problems)+len(s.Opaque) == 0:
		return false
	}
	// If programs are the migrations of a project, the project's own directory was meant.
	return !slices.ContainsFunc([]adapter.Tree{a.head, a.base}, func(t adapter.Tree) bool {
		found, _ := adapter.DetectSources(t, adapters)
		return slices.ContainsFunc(found, func(other adapter.Source) bool {
			return other.Framework != s.Source.Framework && all.Traits(other.Framework).Renders && (other.Dir == "" || isBelow(s.Source.Dir, other.Dir))
		})
	})
}

// Names returns the names that an onward.yaml may use: the rules and the frameworks of
// this release, for [config.Load].
func Names() config.Known {
	var k config.Known
	for _, r := range page.ListAll() {
		k.Rules = append(k.Rules, r.ID)
	}
	for _, a := range all.ListAdapters() {
		k.Frameworks = append(k.Frameworks, a.Name())
	}
	return k
}
