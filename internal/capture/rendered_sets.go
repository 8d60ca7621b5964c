package capture

import (
	"context"
	"fmt"
	"slices"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/wire/ordered"
	"github.com/onward-sql/onward/onward"
)

// RenderSets returns the migrations of both revisions as the command prints them. base is nil if the base has no such
// directory.
func (c *Config) RenderSets(ctx context.Context, base *Revision, head Revision) (baseSet, headSet *adapter.Set, err error) {
	var deployed *Rendering
	if base != nil {
		if deployed, err = c.Render(ctx, base.Tree, base.Source); err != nil {
			return nil, nil, fmt.Errorf("at %s: %w", base.Tree.Name(), err)
		}
	}
	printed, err := c.Render(ctx, head.Tree, head.Source)
	if err != nil {
		return nil, nil, fmt.Errorf("at %s: %w", head.Tree.Name(), err)
	}
	all := printed.Statements
	if deployed != nil {
		all = slices.Concat(deployed.Statements, all)
		baseSet = c.newRenderedSet(deployed, *base, all)
	}
	return baseSet, c.newRenderedSet(printed, head, all), nil
}

// newRenderedSet returns the migrations of one rendering. all are the statements of both, which show the history table.
func (c *Config) newRenderedSet(r *Rendering, v Revision, all []*ordered.Statement) *adapter.Set {
	set := c.newSet(v, "render: in onward.yaml")
	set.Gaps = r.Gaps
	files := listMigrationFiles(v.Tree, v.Source.Dir)
	b := newBooks(c.HistoryTables, files.paths, all)
	conv := &converter{books: b, files: files, source: v.Source, known: indexByPath(v.Read), left: maxSearched, printed: true}
	segments := r.cutAtMarks(b)
	set.Migrations = conv.convertSegments(segments, 0)
	set.Together = b.ranInOneTransaction(segments)
	if !slices.ContainsFunc(r.Statements, func(st *ordered.Statement) bool { return st.Control != "" }) && v.Source.Options.Transaction == "" {
		assumeTransactions(set, conv.known)
	}
	return set
}

// assumeTransactions sets how the tool sends migrations whose SQL has no BEGIN: as its own adapter says, else it is a guess.
func assumeTransactions(set *adapter.Set, known map[string]*adapter.Migration) {
	for _, m := range set.Migrations {
		if k := known[m.Path]; k != nil && k.Source.Mode != "" && !k.Runner.Guessed {
			m.Source.Mode, m.Runner.Rerun = k.Source.Mode, k.Runner.Rerun
			continue
		}
		m.Source.Mode, m.Runner.Guessed, m.Runner.Rerun = onward.TransactionFile, true, false
		set.Evidence.Assumed, set.Evidence.Transaction = true, onward.TransactionFile
	}
}
