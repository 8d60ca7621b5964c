package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/adapter/sql"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/config"
	"github.com/onward-sql/onward/internal/gitrange"
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
	// Logger hears what is being done; nil is nobody.
	Logger *slog.Logger
}

// Changelog reports on the migrations that are new between two revisions.
//
// Errors: those of gitrange for revisions and repositories, and
// *adapter.NotFoundError when there are no migrations.
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
	// deployed are their schemas at the base, once they are folded.
	deployed []*catalog.Catalog
}

// pair is a source of migrations at base and head.
type pair struct {
	source     adapter.Source
	base, head *adapter.Set
	anew       *anew // where it goes on, when nothing is left of it at the head
}

// judge runs the engine over the release once: over each database by itself.
func (a *changelog) judge(pairs []pair, compared []*comparison, usage *usage) (*onward.Report, error) {
	a.share(pairs)
	usage.databases = a.databases
	var out *onward.Report
	migrations := make([][]onward.Migration, len(pairs))
	for i, members := range a.databases {
		j, err := newJudge(a.Settings, a.known)
		if err != nil {
			return nil, err
		}
		j.report.Base, j.report.Head = a.rng.BaseName, a.rng.HeadName
		if i == 0 {
			j.report.Opaque = append(j.report.Opaque, a.opaque...)
		}
		j.uses(usage.of(i))
		a.deploy(j, i, compared)
		usage.deployed[i] = j.run().Catalog()
		for _, k := range members {
			p := compared[k]
			j.setOpaque(pairs[k])
			j.history(p.history)
			from := len(j.report.Migrations)
			together := 0
			if pairs[k].head.Together {
				together = k + 1
			}
			for _, m := range p.release {
				j.judge(m.migration, m.status, together)
			}
			for _, m := range p.deleted {
				j.deleted(m)
			}
			migrations[k] = j.report.Migrations[from:len(j.report.Migrations):len(j.report.Migrations)]
		}
		out = merged(out, j.finish())
	}
	out.Migrations = slices.Concat(migrations...) // in the order of their sources
	return out, nil
}

// share tells which sources share a database, once.
func (a *changelog) share(pairs []pair) {
	if a.databases == nil {
		a.databases = databases(pairs, a.known.catalog != nil)
		a.deployed = make([]*catalog.Catalog, len(a.databases))
		a.deployed[0] = a.known.catalog
	}
}

// deploy folds what the base has of a database, the first time.
func (a *changelog) deploy(j *judge, database int, compared []*comparison) {
	if a.deployed[database] != nil {
		j.deployed = a.deployed[database]
		return
	}
	for _, k := range a.databases[database] {
		for _, m := range compared[k].deployed {
			j.deploy(m)
		}
	}
	a.deployed[database] = j.run().Release().Deployed
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
	var pairs []pair
	gone := map[string]bool{} // directories of the base that are others in the head
	for _, s := range heads {
		base := cmp.Or(match(bases, s), undetected(a.base, s, bases))
		if base == nil {
			if base = moved(s, bases, func(b adapter.Source) bool { return gone[b.Dir] || match(heads, b) != nil }, a.rng.Changes); base != nil {
				gone[base.Dir] = true
			}
		}
		p, err := a.both(ctx, adapters, s, base)
		if err != nil && len(heads) == 1 {
			return nil, err
		}
		if err != nil {
			// One project that cannot be read does not hide the others.
			dir, what := cmp.Or(s.Dir, "."), s.Framework+" migrations"
			why := strings.TrimPrefix(err.Error(), what+" in "+dir+": ")
			a.opaque = append(a.opaque, onward.Opaque{Path: dir, What: what, Why: why, Failed: true})
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
	return pairs, a.named(pairs, adapters)
}

// both reads a source at head and, where base is not nil, at the base: at the
// same time, because an adapter may start the project's own framework, which
// takes seconds.
func (a *changelog) both(ctx context.Context, adapters []adapter.Adapter, head adapter.Source, base *adapter.Source) (pair, error) {
	p := pair{source: head}
	var baseErr error
	var wait sync.WaitGroup
	if base != nil {
		wait.Go(func() { p.base, baseErr = a.set(ctx, adapters, a.base, *base) })
	}
	var err error
	head.Options.Runner.LockTimeoutAt = lockTimeoutAt(a.head, head)
	p.head, err = a.set(ctx, adapters, a.head, head)
	wait.Wait()
	switch {
	case err != nil:
		return p, err
	case errors.Is(baseErr, adapter.ErrProject):
		p.base = a.standIn(p.head, *base, baseErr, modelsOf(ctx, adapters, a.base, *base, baseErr))
	case baseErr != nil:
		return p, fmt.Errorf("at %s: %w", a.rng.BaseName, baseErr)
	}
	return p, nil
}

// sources are the configured ones, else the detected ones.
func (a *changelog) sources(t adapter.Tree, adapters []adapter.Adapter) ([]adapter.Source, []onward.Opaque, error) {
	if len(a.Settings.Migrations) > 0 {
		return configured(a.Settings, t, adapters), nil, nil
	}
	found, skipped := adapter.Detect(t, adapters)
	if len(found) == 0 {
		return nil, skipped, adapter.NotFound(t, adapters, skipped)
	}
	chosen, ties := adapter.Choose(found)
	for i := range chosen {
		chosen[i].Options.Runner = assumed(a.Settings)
	}
	chosen, scripts := runners(t, chosen)
	return chosen, append(append(skipped, ties...), scripts...), nil
}

// runners leaves out directories of SQL files that only look like migrations
// where the repository has a migration tool: scripts, seeds, queries. They are
// listed, not judged. One that has a tool of its own stays, and so does one that
// is called migrations in a module in which there is no tool: another service.
func runners(t adapter.Tree, sources []adapter.Source) ([]adapter.Source, []onward.Opaque) {
	tool := slices.IndexFunc(sources, func(s adapter.Source) bool { return s.Framework != "sql" })
	if tool < 0 {
		return sources, nil
	}
	moduleOf := modulesOf(t)
	tools, sure := map[string]bool{}, make([]bool, len(sources))
	for i, s := range sources {
		if sure[i] = s.Framework != sql.Name || s.Score >= 3 || sql.Own(t, s.Dir); sure[i] {
			tools[moduleOf(s.Dir)] = true
		}
	}
	var kept []adapter.Source
	var out []onward.Opaque
	for i, s := range sources {
		module := moduleOf(s.Dir)
		if sure[i] || module != "" && !tools[module] && strings.Contains(strings.ToLower(path.Base(s.Dir)), "migrat") {
			kept = append(kept, s)
			continue
		}
		out = append(out, onward.Opaque{
			Path: cmp.Or(s.Dir, "."), What: s.Why,
			Why: fmt.Sprintf("not taken for migrations, because %s is used in %s; if they are, name the directory in onward.yaml", sources[tool].Framework, cmp.Or(sources[tool].Dir, ".")),
		})
	}
	return kept, out
}

// configured makes sources of the directories that onward.yaml names and the
// tree has.
func configured(c *config.Config, t adapter.Tree, adapters []adapter.Adapter) []adapter.Source {
	var out, detected []adapter.Source
	paths := t.Paths()
	for _, m := range c.Migrations {
		dir := strings.Trim(m.Dir, "/")
		if dir == "." {
			dir = ""
		}
		if dir != "" && !slices.ContainsFunc(paths, func(p string) bool { return strings.HasPrefix(p, dir+"/") }) {
			continue
		}
		if m.Framework == "" {
			if detected == nil {
				found, _ := adapter.Detect(t, adapters)
				detected, _ = adapter.Choose(found)
			}
			m.Framework = "sql"
			if i := slices.IndexFunc(detected, func(s adapter.Source) bool { return s.Dir == dir }); i >= 0 {
				m.Framework = detected[i].Framework
			}
		}
		out = append(out, adapter.Source{
			Framework: m.Framework, Dir: dir, Score: 3, Why: "configured",
			Options: adapter.Options{
				Transaction: m.Transaction,
				Runner:      runnerOf(c, &m),
				Python:      m.Python, Settings: m.Settings,
			},
		})
	}
	return out
}

// runnerOf is what the configuration says of the runner of a directory.
func runnerOf(c *config.Config, m *config.Migrations) rule.Runner {
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
// nobody said. Django's settings are asked by its adapter.
func lockTimeoutAt(t adapter.Tree, s adapter.Source) *rule.Place {
	if s.Framework == "django" || s.Options.Runner.LockTimeout > 0 {
		return nil
	}
	return &rule.Place{Find: func() string { return adapter.LockTimeoutAt(t) }}
}

// assumed is what the configuration says of every session.
func assumed(c *config.Config) rule.Runner {
	return rule.Runner{
		LockTimeout: c.Assume.LockTimeout.Milliseconds(), StatementTimeout: c.Assume.StatementTimeout.Milliseconds(), TimeZone: c.Assume.TimeZone,
	}
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
	return set, nil
}

// undetected is a plain directory that one tree is sure of, for the other one:
// there it may hold a single file, which is not enough to tell migrations from
// a script, and it is the same directory all the same. nil when that tree has
// no SQL file there, or knows the directory as another framework's.
func undetected(t adapter.Tree, s adapter.Source, known []adapter.Source) *adapter.Source {
	if s.Framework != "sql" || slices.ContainsFunc(known, func(k adapter.Source) bool { return k.Dir == s.Dir }) {
		return nil
	}
	if !slices.ContainsFunc(adapter.Below(t, s.Dir), func(p string) bool { return strings.HasSuffix(p, ".sql") }) {
		return nil
	}
	return &s
}

func match(list []adapter.Source, s adapter.Source) *adapter.Source {
	for i := range list {
		if list[i].Framework == s.Framework && list[i].Dir == s.Dir {
			return &list[i]
		}
	}
	return nil
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
type usesFunc = func(table catalog.Name, column string) rule.Usage
