package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/adapter/gittree"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// findMigrationsAhead returns the migrations that the base got after the head had parted from it: the release does not delete them. It is nil
// if there are none.
func (a *changelog) findMigrationsAhead(ctx context.Context, adapters []adapter.Adapter, p pair) map[string]bool {
	if a.rng.Ancestor == nil || p.base == nil {
		return nil
	}
	ancestor := gittree.Of(a.rng.Ancestor)
	changed, renamed := map[string]bool{}, map[string]bool{} // on the base since then
	for _, c := range a.rng.BaseChanges {
		changed[c.Path] = true
		renamed[c.Path] = c.Kind == gitrange.Renamed
	}
	isChanged := func(m *adapter.Migration) bool { return changed[m.Path] }
	isInSource := func(c gitrange.Change) bool { return p.base.Source.Dir == "" || isBelow(c.Path, p.base.Source.Dir) }
	if !slices.ContainsFunc(p.base.Migrations, isChanged) && !slices.ContainsFunc(a.rng.BaseChanges, isInSource) {
		return nil
	}
	renders := all.Traits(p.source.Framework).Renders
	ancestorIDs := map[string]bool{}
	if !renders {
		if set, err := a.loadSet(ctx, adapters, ancestor, p.base.Source); err == nil {
			for _, m := range set.Migrations {
				ancestorIDs[m.ID] = true
			}
		}
	}
	out := map[string]bool{}
	for _, m := range p.base.Migrations {
		var isOld bool
		switch {
		case renamed[m.Path]:
			isOld = true
		case renders: // a file that the base lacks is of a package
			isOld = adapter.HasFile(ancestor, m.Path) || !adapter.HasFile(a.base, m.Path)
		case len(ancestorIDs) == 0: // nothing could be read of the ancestor: its files count
			isOld = !changed[m.Path] && adapter.HasFile(ancestor, m.Path)
		default:
			isOld = ancestorIDs[m.ID]
		}
		if !isOld {
			out[m.ID] = true
		}
	}
	return out
}

// countMigrationsAhead counts the migrations of findMigrationsAhead of all sources, without those that the head has by another commit. It is nil if
// the base has no commit that the head lacks.
func (a *changelog) countMigrationsAhead(pairs []pair) *onward.Ahead {
	if a.rng.Ancestor == nil {
		return nil
	}
	out := &onward.Ahead{}
	ancestor, branch := gittree.Of(a.rng.Ancestor), gittree.Of(a.rng.Branch)
	for _, p := range pairs {
		if p.base == nil {
			continue
		}
		for _, m := range p.base.Migrations {
			// The head deleted a file of the ancestor, or it never had the migration.
			if p.ahead[m.ID] && (adapter.HasFile(ancestor, m.Path) || !adapter.HasFile(branch, m.Path)) {
				out.Migrations++
			}
		}
	}
	return out
}

// readAtAncestor reads a source whose project does not start if the base is merged into the head: as the two were when they parted.
func (a *changelog) readAtAncestor(
	ctx context.Context, adapters []adapter.Adapter, head adapter.Source, base *adapter.Source, cause error,
) (pair, error) {
	if a.rng.Ancestor == nil || !errors.Is(cause, adapter.ErrProject) {
		return pair{}, cause
	}
	parted := *a
	parted.base, parted.head = gittree.Of(a.rng.Ancestor), gittree.Of(a.rng.Branch)
	p, err := parted.readRevisions(ctx, adapters, head, base)
	if err != nil {
		return pair{}, cause
	}
	a.opaque = append(parted.opaque, onward.Opaque{
		Path: cmp.Or(head.Dir, "."), What: "what came to " + a.rng.BaseName + " since " + a.rng.HeadName + " parted from it",
		Why: fmt.Sprintf("the project does not start with both: %s", innermostMessage(cause)),
	})
	return p, nil
}

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

// Set has the migrations of a source.
type Set = adapter.Set

// Planned is a migration as its adapter reads it.
type Planned = adapter.Migration

// Beyond is something that only a migration tool itself can run.
type Beyond = adapter.Beyond

// Unread is a directory with the migrations of a tool without an adapter.
type Unread = adapter.Unread

// Unread lists such directories of the head.
func (r *Release) Unread() []Unread { return adapter.UnreadIn(r.a.head) }

// Heads returns the sources of migrations at the head.
func (r *Release) Heads() []*Set {
	var out []*Set
	for _, p := range r.pairs {
		if p.head != nil && len(p.head.Migrations) > 0 {
			out = append(out, p.head)
		}
	}
	return out
}

// HeadName returns the name of the head: "working tree".
func (r *Release) HeadName() string { return r.a.rng.HeadName }

// Content returns a file's content at the head.
func (r *Release) Content(path string) ([]byte, error) { return r.a.head.Read(path) }

// Unapplied makes the release consist of the migrations that a database lacks: some
// migrations of the head, whether the base has them or not. The deployed code is still
// the base's. The release must have been read with the address of that database.
func (r *Release) Unapplied(unapplied map[*Planned]bool) {
	for i, p := range r.pairs {
		c := &comparison{}
		for _, m := range p.head.Migrations {
			if unapplied[m] {
				c.release = append(c.release, releasedMigration{migration: m, status: onward.StatusNew})
			} else {
				c.deployed = append(c.deployed, m)
			}
		}
		for _, x := range p.head.History {
			for m := range unapplied {
				if m.ID == x.Migration && m.Path == x.Path {
					c.history = append(c.history, x)
				}
			}
		}
		r.compared[i] = c
	}
}

// FoldedStatement is a statement of a migration with its analysis.
type FoldedStatement = rule.Stmt
