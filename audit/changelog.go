package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// Config is what Changelog needs. The zero value audits the repository around
// the current directory against its default branch.
type Config struct {
	// Dir is a directory of the repository; "" is the current one.
	Dir string
	// Base and Head are revisions. Base "" is the configured base, else the
	// merge base with the default branch; Head "" is the working tree.
	Base, Head string
	// Deployed says what is known of the deployed database.
	Deployed
	// Settings is the project's onward.yaml; nil is the default.
	Settings *config.Config
	// Still runs nothing of the repository: projects that render their migrations are left
	// out, and listed as not judged.
	Still bool
	// Now is the moment that deprecated columns are held against; zero is the clock's.
	Now time.Time
	// Logger hears what is being done; nil is nobody.
	Logger *slog.Logger
}

// Changelog reports on the migrations that are new between two revisions.
//
// Errors: those of git for revisions and repositories, a
// [*NotFoundError] when there are no migrations, a *config.Error for the settings.
func Changelog(ctx context.Context, c Config) (*onward.Report, error) {
	r, err := Read(ctx, c)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	return r.Audit()
}

// changelog is one run of Changelog.
type changelog struct {
	Config
	known      *known
	rng        *gitrange.Range
	base, head adapter.Tree
	opaque     []onward.Opaque
	// databases are the sources that share one, as indexes into the pairs; one
	// database when the deployed schema was given.
	databases [][]int
	// deployed are their schemas at the base, once they are folded; unread is what
	// of the base could not be.
	deployed []*catalog.Catalog
	// heads are those behind the release, once it was judged.
	heads  []*catalog.Catalog
	unread []unread
	// strings is how strings end behind them.
	strings []pgparse.Strings
	// seeds are the rows that they put into tables.
	seeds []map[catalog.OID]int
	// since is what they tell of the version.
	since []adapter.Oldest
	// said is where they say something of a column.
	said []map[string]onward.Place
	// keep, where it is not nil, is given each migration of the release, with its database.
	keep func(database int, m *rule.Migration)
}

// pair is a source of migrations at base and head.
type pair struct {
	source     adapter.Source
	base, head *adapter.Set
	anew       *anew // where it goes on, when nothing is left of it at the head
	ended      bool  // nothing is left of the module that it belongs to
}

// judge runs the engine over the release once: over each database by itself.
func (a *changelog) judge(pairs []pair, compared []*comparison, usage *deployedCode) (*onward.Report, error) {
	a.share(pairs)
	if usage != nil {
		usage.databases = a.databases
	}
	var out *onward.Report
	migrations := make([][]onward.Migration, len(pairs))
	for i, members := range a.databases {
		others, err := a.otherwise(i, pairs, compared, usage)
		if err != nil {
			return nil, err
		}
		j, err := newJudge(a.Settings, a.known)
		if err != nil {
			return nil, err
		}
		j.otherwise = others
		a.begin(j, i, compared, usage)
		if a.keep != nil {
			j.keep = func(m *rule.Migration) { a.keep(i, m) }
		}
		j.report.Base, j.report.Head = a.rng.BaseName, a.rng.HeadName
		if i == 0 {
			j.report.Opaque = append(j.report.Opaque, a.opaque...)
		}
		for _, k := range members {
			p := compared[k]
			j.setOpaque(pairs[k])
			j.lost(p.deployed, a.rng.BaseName)
			j.history(p.history)
			from := len(j.report.Migrations)
			for _, m := range p.release {
				j.judge(m.migration, m.status, runOf(pairs, k, m.migration))
			}
			for _, m := range p.deleted {
				j.deleted(m)
			}
			migrations[k] = j.report.Migrations[from:len(j.report.Migrations):len(j.report.Migrations)]
		}
		out = merged(out, j.finish())
		a.heads[i] = j.run().Release().Head
	}
	out.Migrations = slices.Concat(migrations...) // in the order of their sources
	out.Runners = runnersOf(pairs)
	if faults := usage.faults(); len(faults) > 0 {
		out.Opaque = append(out.Opaque, faults...)
		out.Summary.Opaque = len(out.Opaque)
		Conclude(out)
	}
	return out, nil
}

// begin gives a judge what the base made of a database.
func (a *changelog) begin(j *judge, database int, compared []*comparison, usage *deployedCode) {
	if usage != nil {
		j.uses(usage.of(database))
	}
	a.deploy(j, database, compared)
	if usage != nil {
		usage.deployed[database] = j.run().Catalog()
	}
}

// run is what a migration shares with the others of its source: rule.Migration.Together
// and Session.
type run struct{ together, session int }

// runOf is the run of a migration of a pair.
func runOf(pairs []pair, k int, m *adapter.Migration) (out run) {
	if pairs[k].head.Together {
		out.together = k + 1
	}
	if m.Runner.KeepsSession && !m.Runner.OwnSession || out.together != 0 {
		out.session = k + 1
	}
	return out
}

// otherwise judges the release of a database in the other way, where there is one; but
// for what only its statements do.
func (a *changelog) otherwise(database int, pairs []pair, compared []*comparison, usage *deployedCode) (map[string][]onward.Finding, error) {
	var list []*adapter.Migration
	var steps []released
	var with []run
	for _, k := range a.databases[database] {
		for _, m := range compared[k].release {
			list, steps, with = append(list, m.migration), append(steps, m), append(with, runOf(pairs, k, m.migration))
		}
	}
	other := otherways(list)
	if other == nil || usage == nil {
		return nil, nil
	}
	j, err := newTrial(a.Settings, a.known)
	if err != nil {
		return nil, err
	}
	a.begin(j, database, compared, usage)
	for i, m := range other {
		j.judge(m, steps[i].status, with[i])
	}
	return j.differing(list, other), nil
}

// share tells which sources share a database, once.
func (a *changelog) share(pairs []pair) {
	if a.databases == nil {
		a.databases = databases(pairs, a.known.catalog != nil)
		a.deployed = make([]*catalog.Catalog, len(a.databases))
		a.heads = make([]*catalog.Catalog, len(a.databases))
		a.unread = make([]unread, len(a.databases))
		a.strings = make([]pgparse.Strings, len(a.databases))
		a.seeds = make([]map[catalog.OID]int, len(a.databases))
		a.since = make([]adapter.Oldest, len(a.databases))
		a.said = make([]map[string]onward.Place, len(a.databases))
		a.deployed[0] = a.known.catalog
	}
}

// deploy folds what the base has of a database, the first time.
func (a *changelog) deploy(j *judge, database int, compared []*comparison) {
	if a.deployed[database] == nil {
		first := &judge{settings: j.settings, known: j.known, config: j.config}
		for _, k := range a.databases[database] {
			for _, m := range compared[k].deployed {
				first.deploy(m)
			}
		}
		a.deployed[database], a.unread[database], a.strings[database] = first.run().Release().Deployed, first.unread, first.strings
		a.since[database], a.said[database] = first.since, first.said
		a.seeds[database] = first.seeds.few(a.deployed[database])
	}
	j.config.Seeds, j.config.Said, j.config.Today = a.seeds[database], a.said[database], today(a.Now)
	j.deployed, j.unread, j.strings = a.deployed[database], a.unread[database], a.strings[database]
	if len(a.databases) == 1 { // several may be on several servers
		j.narrow(a.since[database])
	}
}

// load reads the migrations of both trees. The adapters look at the head; a
// source that the head no longer has is looked for at the base.
func (a *changelog) load(ctx context.Context) ([]pair, error) {
	adapters := all.All()
	heads, opaque, err := a.sources(a.head, adapters)
	a.opaque = append(a.opaque, opaque...)
	bases, _, baseErr := a.sources(a.base, adapters)
	if err != nil && baseErr != nil {
		return nil, err
	}
	var notFound *adapter.NotFoundError
	if err != nil && !errors.As(err, &notFound) {
		return nil, err
	}
	heads, bases = a.still(deepened(heads, bases)), a.still(deepened(bases, heads))
	var pairs []pair
	failed := len(a.opaque)   // heads that fail are told before the bases of others
	gone := map[string]bool{} // directories of the base that are others in the head
	for _, s := range heads {
		base := match(bases, s)
		if base == nil {
			if base = moved(s, bases, func(b adapter.Source) bool { return gone[b.Dir] || match(heads, b) != nil }, a.rng.Changes); base != nil {
				gone[base.Dir] = true
			} else {
				base = undetected(a.base, s, bases)
			}
		}
		p, err := a.both(ctx, adapters, s, base)
		if err != nil && len(heads) == 1 {
			return nil, err
		}
		if err != nil {
			// One project that cannot be read does not hide the others.
			a.opaque = slices.Insert(a.opaque, failed, ofHead(s, err))
			failed++
			continue
		}
		pairs = append(pairs, p)
	}
	for _, s := range bases {
		if match(heads, s) != nil || gone[s.Dir] || movedAway(s, opaque, a.rng.Changes) {
			continue
		}
		if h := undetected(a.head, s, heads); h != nil {
			p, err := a.both(ctx, adapters, *h, &s)
			if err != nil {
				return nil, err
			}
			pairs = append(pairs, p)
			continue
		}
		p := pair{source: s, head: &adapter.Set{Source: s}}
		if p.base, err = a.set(ctx, adapters, a.base, s); err != nil {
			return nil, fmt.Errorf("at %s: %w", a.rng.BaseName, err)
		}
		pairs = append(pairs, p)
	}
	beginAnew(pairs)
	endPairs(pairs, a.base, a.head)
	return pairs, a.named(pairs, adapters)
}

// ofHead says that a source could not be read.
func ofHead(s adapter.Source, err error) onward.Opaque {
	dir, what := cmp.Or(s.Dir, "."), s.Framework+" migrations"
	return onward.Opaque{Path: dir, What: what, Why: strings.TrimPrefix(err.Error(), what+" in "+dir+": "), Failed: true}
}

// both reads a source at head and, where base is not nil, at the base: at the
// same time, because an adapter may start the project's own framework, which
// takes seconds. A head that fails is told at once, whatever the base may come to.
func (a *changelog) both(ctx context.Context, adapters []adapter.Adapter, head adapter.Source, base *adapter.Source) (pair, error) {
	p := pair{source: head}
	var baseErr error
	var wait sync.WaitGroup
	deployed, abandon := context.WithCancel(ctx)
	defer abandon()
	if base != nil {
		wait.Go(func() { p.base, baseErr = a.set(deployed, adapters, a.base, *base) })
	}
	var err error
	var ran *adapter.Set
	if at := lockTimeoutAt(a.head, head); at != nil {
		head.Options.Runner.LockTimeoutAt = &history.Place{Find: func() string { return cmp.Or(at.Find(), adapter.GivenTimeoutAt(a.head, ran)) }}
	}
	if p.head, err = a.set(ctx, adapters, a.head, head); err != nil {
		abandon()
	}
	wait.Wait()
	ran = p.base
	switch {
	case err != nil:
		return p, err
	case errors.Is(baseErr, adapter.ErrProject):
		p.base = a.standIn(p.head, *base, baseErr, modelsOf(ctx, adapters, a.base, *base, baseErr))
	case baseErr != nil:
		return p, fmt.Errorf("at %s: %w", a.rng.BaseName, baseErr)
	}
	if p.base != nil {
		settle(p.base.Migrations, p.base, p.head)
	} else {
		settle(nil, p.head)
	}
	return p, nil
}

// runnerOf is what the configuration says of the runner of a directory.
func runnerOf(c *config.Config, m *config.Migrations) history.Runner {
	r := assumed(c)
	if m.LockTimeout > 0 {
		r.LockTimeout = m.LockTimeout.Milliseconds()
	}
	if m.StatementTimeout > 0 {
		r.StatementTimeout = m.StatementTimeout.Milliseconds()
	}
	return r
}

// lockTimeoutAt is where a tree bounds the waits of a source's runner, as far as
// nobody said. A project that is rendered has settings, which its adapter asks.
func lockTimeoutAt(t adapter.Tree, s adapter.Source) *history.Place {
	if all.Traits(s.Framework).Renders || s.Options.Runner.LockTimeout > 0 {
		return nil
	}
	return &history.Place{Find: func() string { return adapter.LockTimeoutAt(t) }}
}

// set loads a source with its adapter.
func (a *changelog) set(ctx context.Context, adapters []adapter.Adapter, t adapter.Tree, s adapter.Source) (*adapter.Set, error) {
	i := slices.IndexFunc(adapters, func(x adapter.Adapter) bool { return x.Name() == s.Framework })
	if i < 0 {
		return nil, fmt.Errorf("%s: there is no framework %q", cmp.Or(s.Dir, "."), s.Framework)
	}
	a.Logger.Debug("load", "framework", s.Framework, "dir", s.Dir, "tree", t.Name(), "why", s.Why)
	set, err := adapters[i].Load(ctx, t, s)
	if err != nil {
		return nil, fmt.Errorf("%s migrations in %s: %w", s.Framework, cmp.Or(s.Dir, "."), err)
	}
	if slices.ContainsFunc(set.Migrations, conditional) {
		if other, err := adapters[i].Load(ctx, adapter.Unheld(t), s); err == nil {
			bothWays(set, other)
		}
	}
	return set, nil
}

func settings(c *config.Config) *config.Config {
	if c == nil {
		return config.Default()
	}
	return c
}

func logger(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l
}

// usesFunc answers for the deployed code.
type usesFunc = func(analysis.Question) analysis.Usage
