package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/adapter/gittree"
	"github.com/onward-sql/onward/internal/gitrange"
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
