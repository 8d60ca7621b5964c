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
	"github.com/onward-sql/onward/onward"
)

// named refuses a configured directory in which neither revision has anything:
// a directory that is not the one that was meant, of which nothing would be
// judged and nothing be said.
func (a *changelog) named(pairs []pair, adapters []adapter.Adapter) error {
	for i := range a.Settings.Migrations {
		m := &a.Settings.Migrations[i]
		dir := path.Join(".", strings.Trim(m.Dir, "/"))
		if dir == "." {
			dir = ""
		}
		if slices.ContainsFunc(pairs, func(p pair) bool { return p.source.Dir == dir && (holds(p.head) || holds(p.base)) }) ||
			all.Traits(m.Framework).Renders && slices.ContainsFunc(pairs, func(p pair) bool { return p.source.Dir == dir }) ||
			slices.ContainsFunc(a.opaque, func(o onward.Opaque) bool { return o.Path == cmp.Or(dir, ".") }) {
			continue
		}
		what := "migrations"
		if m.Framework != "" {
			what = m.Framework + " migrations"
		}
		text := fmt.Sprintf("there are no %s in %s, neither at %s nor at %s", what, cmp.Or(dir, "."), a.rng.BaseName, a.rng.HeadName)
		if found, _ := adapter.Detect(a.head, adapters); len(found) > 0 {
			chosen, _ := adapter.Choose(found)
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

// holds reports whether a source has something in it: migrations, or what is
// left out with a reason.
func holds(s *adapter.Set) bool {
	return s != nil && len(s.Migrations)+len(s.Opaque)+len(s.Problems) > 0
}
