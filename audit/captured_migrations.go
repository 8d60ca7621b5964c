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
	"github.com/onward-sql/onward/internal/capture"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// readBoth reads a source at both revisions. base is nil if the base has none.
type readBoth func(ctx context.Context, adapters []adapter.Adapter, head adapter.Source, base *adapter.Source) (pair, error)

// commandReader returns how a source is read if onward.yaml names a command for it; nil if the files are read. A command that must not
// run yet is listed.
func (a *changelog) commandReader(s adapter.Source) readBoth {
	traits := all.Traits(s.Framework)
	if s.Options.RenderRefused != "" && !traits.NeedsCommand {
		a.opaque = append(a.opaque, onward.Opaque{Path: s.Dir, What: "what the command prints", Why: s.Options.RenderRefused})
	}
	switch {
	case a.Still:
	case s.Options.Capture != "":
		return a.captureRevisions
	case s.Options.Render != "" && !traits.RunsRender:
		return a.renderRevisions
	}
	return nil
}

// captureRevisions runs the configured command on the base and on the head, and returns what it sends. What the framework's own
// adapter reads of the files gives migrations their names and places.
func (a *changelog) captureRevisions(ctx context.Context, adapters []adapter.Adapter, head adapter.Source, base *adapter.Source) (pair, error) {
	o := head.Options
	c := a.commandConfig(o.Capture, o)
	c.BaseCommand, c.Major, c.Database = o.CaptureBase, a.captureMajor(), a.DB
	var deployed *capture.Revision
	var baseTree adapter.Tree
	if base != nil {
		deployed, baseTree = a.readRevision(ctx, adapters, a.base, *base), a.base
	}
	run, err := c.RunBoth(ctx, baseTree, a.head, head)
	if err != nil {
		return pair{}, fmt.Errorf("capture in %s: %w", cmp.Or(head.Dir, "."), err)
	}
	p := pair{source: head}
	p.base, p.head = c.Sets(run, deployed, *a.readRevision(ctx, adapters, a.head, head))
	return p, nil
}

// renderRevisions runs the configured command, which prints the SQL, on the base and on the head.
func (a *changelog) renderRevisions(ctx context.Context, adapters []adapter.Adapter, head adapter.Source, base *adapter.Source) (pair, error) {
	c := a.commandConfig(head.Options.Render, head.Options)
	var deployed *capture.Revision
	if base != nil {
		deployed = a.readRevision(ctx, adapters, a.base, *base)
	}
	p := pair{source: head}
	var err error
	if p.base, p.head, err = c.RenderSets(ctx, deployed, *a.readRevision(ctx, adapters, a.head, head)); err != nil {
		return p, fmt.Errorf("render in %s: %w", cmp.Or(head.Dir, "."), err)
	}
	p.inferSendMode()
	return p, nil
}

// commandConfig returns how a command of onward.yaml runs.
func (a *changelog) commandConfig(text string, o adapter.Options) *capture.Config {
	tables := all.HistoryTableNames()
	if o.Own != nil {
		name, _ := o.Own.HistoryTable()
		tables[name[strings.LastIndexByte(name, '.')+1:]] = name != ""
	}
	return &capture.Config{Command: text, WorkDir: o.CaptureDir, Home: a.root, HistoryTables: tables, Logger: a.Logger}
}

// readRevision returns a revision with what the framework's own adapter reads of its files.
func (a *changelog) readRevision(ctx context.Context, adapters []adapter.Adapter, t adapter.Tree, s adapter.Source) *capture.Revision {
	set, err := a.loadSet(ctx, adapters, t, s)
	if err != nil {
		a.Logger.Debug("only what the command sends is known", "tree", t.Name(), "error", err)
	}
	if set != nil && all.Traits(s.Framework).Plain {
		set = withoutProgramVersions(set)
	}
	return &capture.Revision{Tree: t, Source: s, Read: set}
}

// withoutProgramVersions returns a plain set in which files that are no SQL have no number: their tool is not known, so a number in their names may be
// a year.
func withoutProgramVersions(set *adapter.Set) *adapter.Set {
	isSQL := func(file string) bool { return path.Ext(file) == ".sql" }
	out := *set
	out.Migrations = slices.Clone(set.Migrations)
	for i, m := range out.Migrations {
		if !isSQL(m.Path) {
			unnumbered := *m
			unnumbered.Version = m.ID
			out.Migrations[i] = &unnumbered
		}
	}
	out.History = slices.DeleteFunc(slices.Clone(set.History), func(h history.Change) bool { return !isSQL(h.Path) })
	return &out
}

// captureMajor returns the version of the throwaway server: the newest in production; 0 for the newest that is installed.
func (a *changelog) captureMajor() int {
	if n := len(a.Settings.Postgres); n > 0 {
		return a.Settings.Postgres[n-1]
	}
	return 0
}

// listSandboxGaps returns what was not confined when the project's own programs ran.
func listSandboxGaps(pairs []pair) (out []string) {
	for i := range pairs {
		for _, set := range []*adapter.Set{pairs[i].base, pairs[i].head} {
			if set != nil {
				out = append(out, set.Gaps...)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ErrNoSQLDown is the error of [Release.Down] for a framework without down migrations in
// SQL. Django builds them, operation by operation, from the states of its models and from
// the author's reverse code; onward renders only the forward direction.
var ErrNoSQLDown = errors.New("the framework keeps no down migration in SQL")

// Down reads the down migration of a release's migration: in goose, the part after -- +goose Down. It
// is nil if there is none, or if it is code. The release must not be closed yet.
//
// Errors: [ErrNoSQLDown]; its file cannot be read.
func (r *Release) Down(step Step) (*script.Source, error) {
	a, _ := all.FindAdapter(step.Framework)
	way, ok := a.(adapter.WayDown)
	if !ok {
		return nil, ErrNoSQLDown
	}
	for i, c := range r.compared {
		for _, m := range c.release {
			if m.migration != step.Migration {
				continue
			}
			down, err := way.Down(r.a.head, r.pairs[i].source, m.migration)
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", cmp.Or(step.DownPath, step.Path), err)
			}
			return down, nil
		}
	}
	return nil, fmt.Errorf("%s is no migration of this release", step.ID)
}
