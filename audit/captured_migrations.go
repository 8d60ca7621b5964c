package audit

import (
	"cmp"
	"context"
	"fmt"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/capture"
)

// captureBoth runs the configured command on the base and on the head, and returns what it sends. What the framework's own
// adapter reads of the files gives migrations their names and places.
func (a *changelog) captureBoth(ctx context.Context, adapters []adapter.Adapter, head adapter.Source, base *adapter.Source) (pair, error) {
	o := head.Options
	c := capture.Config{
		Command: o.Capture, BaseCommand: o.CaptureBase, WorkDir: o.CaptureDir, Home: a.root, HistoryTables: all.HistoryTableNames(),
		Major: a.captureMajor(), Logger: a.Logger,
	}
	read := func(t adapter.Tree, s adapter.Source) *capture.Revision {
		set, err := a.loadSet(ctx, adapters, t, s)
		if err != nil {
			a.Logger.Debug("only the captured statements are known", "tree", t.Name(), "error", err)
		}
		return &capture.Revision{Tree: t, Source: s, Read: set}
	}
	var deployed *capture.Revision
	var baseTree adapter.Tree
	if base != nil {
		deployed, baseTree = read(a.base, *base), a.base
	}
	run, err := c.RunBoth(ctx, baseTree, a.head, head)
	if err != nil {
		return pair{}, fmt.Errorf("capture in %s: %w", cmp.Or(head.Dir, "."), err)
	}
	p := pair{source: head}
	p.base, p.head = c.Sets(run, deployed, *read(a.head, head))
	return p, nil
}

// captureMajor returns the version of the throwaway server: the newest in production; 0 for the newest that is installed.
func (a *changelog) captureMajor() int {
	if n := len(a.Settings.Postgres); n > 0 {
		return a.Settings.Postgres[n-1]
	}
	return 0
}
