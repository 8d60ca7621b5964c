package audit

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

// partial has the models of a project that cannot be loaded, and the packages that were
// replaced by stubs to read them.
type partial struct {
	models  []adapter.Model
	without []string
}

// readModels reads the models of a source that cannot be loaded, as far as possible; none
// if its adapter cannot.
func readModels(ctx context.Context, adapters []adapter.Adapter, t adapter.Tree, s adapter.Source, cause error) partial {
	for _, ad := range adapters {
		if m, ok := ad.(adapter.Modeler); ok && ad.Name() == s.Framework {
			if models, unreadImports, err := m.Models(ctx, t, s, cause); err == nil {
				return partial{models, unreadImports}
			}
		}
	}
	return partial{}
}

// buildBaseFromHead builds the migrations of the base from those at the head, if the project cannot
// be loaded at the base. A migration whose file the base has is deployed, and so is a
// migration of an installed package. The report says what this may miss.
func (a *changelog) buildBaseFromHead(head *adapter.Set, s adapter.Source, err error, known partial) *adapter.Set {
	base := &adapter.Set{Source: s, HistoryBehavior: head.HistoryBehavior, Models: known.models, Partial: true}
	now, basePaths := pathSet(a.head), pathSet(a.base)
	var edited []string
	shared := 0
	for _, m := range head.Migrations {
		basePath := m.Path
		if file, in := cutDir(head.Source.Dir, m.Path); in && !basePaths[basePath] {
			basePath = path.Join(s.Dir, file) // the project moved
		}
		switch {
		case !now[m.Path]: // of an installed package
			base.Migrations = append(base.Migrations, m)
			continue
		case !basePaths[basePath]:
			continue
		}
		base.Migrations = append(base.Migrations, m)
		shared++
		if text, err := a.base.Read(basePath); err != nil || string(text) != m.Source.Text {
			edited = append(edited, m.ID)
		}
	}
	reason := fmt.Sprintf("%s; the schema of %s is folded from the %d migrations of %s that it has too", innermostMessage(err), a.rng.BaseName, shared,
		a.rng.HeadName)
	if len(edited) > 0 {
		slices.Sort(edited)
		more := ""
		if len(edited) > 5 {
			more = fmt.Sprintf(" and %d others", len(edited)-5)
			edited = edited[:5]
		}
		reason += ", as they are there now: " + strings.Join(edited, ", ") + more + " had another text"
	}
	if known.models != nil {
		reason += "; its models are read without " + prose.EnumerateNames(known.without) + "; its deleted migrations are not known"
	} else {
		reason += "; its models and its deleted migrations are not known"
	}
	a.opaque = append(a.opaque, onward.Opaque{
		Path: path.Join(s.Dir, "manage.py"), What: "the project at " + a.rng.BaseName, Why: reason, Usage: known.models == nil,
	})
	return base
}

func pathSet(t adapter.Tree) map[string]bool {
	out := map[string]bool{}
	for _, p := range t.Paths() {
		out[p] = true
	}
	return out
}

// innermostMessage returns the project's own error without the advice after it, which the head
// did not need.
func innermostMessage(err error) string {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	text, _, _ := strings.Cut(err.Error(), "; ")
	return text
}
