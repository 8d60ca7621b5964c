package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/adapter/jsrun"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/deployed"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/verdict"
	"github.com/onward-sql/onward/onward"
)

// changelog is one run of Changelog.
type changelog struct {
	Config
	known      *deployedFacts
	rng        *gitrange.Range
	base, head adapter.Tree
	// refused says, by the line of an entry of migrations, why its command does not run.
	refused  map[int]string
	weakened []onward.Weakening
	// root is the directory of the user's own copy of the repository.
	root string
	// unnamed is set if detected directories count whose command nobody has named.
	unnamed bool
	opaque  []onward.Opaque
	// databases is nil until groupByDatabase. There is one database if the deployed schema was given.
	databases    []database
	writtenPlans []*onward.Plan // at the head
	// keep, if not nil, gets each migration of the release, with its database.
	keep func(database int, m *rule.Migration)
}

// database is a database of the release.
type database struct {
	sources []int // that share it, as indexes into the pairs
	base    *deployedBase
	head    *catalog.Catalog // the schema after the release, once it was judged
}

// deployedBase is what the deployed migrations of a database make and say.
type deployedBase struct {
	schema *catalog.Catalog // nil until they are folded
	unread unreadParts
	// strings is the string syntax of the session after them.
	strings pgparse.Strings
	// seeds are the rows that they insert into tables. constants are like seeds, with more forms of INSERT, for a guess at the size of tables.
	seeds, constants deployed.Seeds
	since            adapter.Oldest // the oldest version that can run them
	columnComments   columnComments // the places of their comments on columns
	fills            *analysis.ColumnFills
}

// pair is a source of migrations at base and head.
type pair struct {
	source     adapter.Source
	base, head *adapter.Set
	ahead      map[string]bool   // migrations that the base got after the head parted from it
	restarted  *restartedHistory // where it continues, if the head has nothing of it
	ended      bool              // nothing is left of its module
}

// judgeRelease runs the engine over the release once: for each database separately.
func (a *changelog) judgeRelease(pairs []pair, compared []*comparison, usage *deployed.Code) (*onward.Report, error) {
	a.groupByDatabase(pairs)
	if usage != nil {
		usage.Databases = a.listSourcesByDatabase()
	}
	var out *onward.Report
	migrations := make([][]onward.Migration, len(pairs))
	for i := range a.databases {
		j, err := newJudge(a.Settings, a.known)
		if err != nil {
			return nil, err
		}
		var whole []releasedMigration
		released := map[int][]releasedMigration{}
		for _, k := range a.databases[i].sources {
			released[k] = assignRuns(pairs[k], k, compared[k].release)
			whole = append(whole, released[k]...)
		}
		if usage != nil {
			j.alternative, err = judgeAlternative(a.Settings, a.known, whole, func(trial *judge) { a.restoreBase(trial, i, compared, usage) })
			if err != nil {
				return nil, err
			}
		}
		a.restoreBase(j, i, compared, usage)
		if a.keep != nil {
			j.keep = func(m *rule.Migration) { a.keep(i, m) }
		}
		j.report.Base, j.report.Head = a.rng.BaseName, a.rng.HeadName
		if i == 0 {
			j.report.Opaque = append(j.report.Opaque, a.opaque...)
			j.report.Weakened, j.report.Unconfined = a.weakened, listSandboxGaps(pairs)
		}
		for _, k := range a.databases[i].sources {
			p := compared[k]
			j.reportOpaque(pairs[k], a.rng.Changes, a.head)
			j.reportUnreadableMigrations(p.deployed, a.rng.BaseName)
			j.passHistory(p.history)
			from := len(j.report.Migrations)
			for _, m := range released[k] {
				j.judgeMigration(m)
			}
			j.reportUnrunMigrations(p.deleted, onward.StatusDeleted)
			j.reportUnrunMigrations(p.replaced, onward.StatusReplaced)
			migrations[k] = j.report.Migrations[from:len(j.report.Migrations):len(j.report.Migrations)]
		}
		out = mergeReports(out, addSuppressions(j.finishReport(), j.engine))
		a.databases[i].head = j.ensureEngine().Release().Head
	}
	out.Migrations = slices.Concat(migrations...) // in the order of their sources
	out.Runners = listRunners(pairs, a.head, a.databases)
	out.Ahead = a.countMigrationsAhead(pairs)
	var schemas []*catalog.Catalog
	for _, d := range a.databases {
		schemas = append(schemas, d.base.schema)
	}
	out.BuiltQueries = usage.FindBuiltQueries(schemas)
	out.Opaque = append(out.Opaque, usage.ListFaults()...)
	a.addReadiness(out)
	Conclude(out)
	return out, nil
}

// restoreBase gives a judge the results of a database's base.
func (a *changelog) restoreBase(j *judge, database int, compared []*comparison, usage *deployed.Code) {
	if usage != nil {
		j.config.Uses = usage.AnswerFor(database) // before the engine exists
	}
	a.foldBase(j, &a.databases[database], compared)
	if usage == nil {
		return
	}
	if j.known.sizes == nil { // else no guess is needed
		j.small = deployed.NewSmallTables(usage, database, j.schema, j.constants)
		j.config.ProbablySmall = j.small.ExplainSmall
	}
	usage.Schemas[database] = j.ensureEngine().Catalog()
}

// run has the values that a migration shares with others of its source: rule.Migration.Together and Session.
type run struct{ together, session int }

// assignRuns returns the release of the k-th pair, each migration with its run.
func assignRuns(p pair, k int, release []releasedMigration) []releasedMigration {
	single := func(m releasedMigration) bool { return m.migration.Source.Mode == onward.TransactionNone }
	inOneTransaction := p.head.Together && !(p.head.TogetherIfAll && slices.ContainsFunc(release, single))
	out := slices.Clone(release)
	for i := range out {
		if r := &out[i].run; inOneTransaction {
			r.together, r.session = k+1, k+1
		} else if runner := &out[i].migration.Runner; runner.KeepsSession && !runner.OwnSession {
			r.session = k + 1
		}
	}
	return out
}

// groupByDatabase groups the sources by database, once.
func (a *changelog) groupByDatabase(pairs []pair) {
	if a.databases != nil {
		return
	}
	for _, sources := range groupDatabases(pairs, readDeclaredDatabases(a.head, pairs), a.known.catalog != nil) {
		a.databases = append(a.databases, database{sources: sources, base: &deployedBase{}})
	}
	a.databases[0].base.schema = a.known.catalog
}

// listSourcesByDatabase returns the sources of each database, as indexes into the pairs.
func (a *changelog) listSourcesByDatabase() [][]int {
	var out [][]int
	for _, d := range a.databases {
		out = append(out, d.sources)
	}
	return out
}

// foldBase folds the deployed migrations of a database, once.
func (a *changelog) foldBase(j *judge, d *database, compared []*comparison) {
	if d.base.schema == nil {
		first := &judge{settings: j.settings, known: j.known, config: j.config, windows: j.windows}
		for _, k := range d.sources {
			for _, m := range compared[k].schema {
				first.foldDeployed(m)
			}
		}
		*d.base = first.deployedBase
		d.base.schema = first.ensureEngine().Release().Deployed
		d.base.seeds, d.base.fills = first.seeds.ListTables(d.base.schema), first.ensureEngine().Release().Fills
	}
	j.deployedBase = *d.base
	j.config.Seeds, j.config.Said, j.config.Today, j.config.Fills = j.seeds, j.columnComments, formatDay(a.Now), j.fills
	if len(a.databases) == 1 { // several databases may be on several servers
		j.excludeVersions(j.since)
	}
}

// readSources reads the migrations of both trees. The adapters detect sources in the head; a
// source that only the base has is looked for there.
func (a *changelog) readSources(ctx context.Context) ([]pair, error) {
	adapters := all.ListAdapters()
	heads, opaque, err := a.findSources(a.head, adapters)
	a.opaque = append(a.opaque, opaque...)
	bases, _, baseErr := a.findSources(a.base, adapters)
	if err != nil && baseErr != nil {
		return nil, err
	}
	var notFound *adapter.NotFoundError
	if err != nil && !errors.As(err, &notFound) {
		return nil, err
	}
	heads, bases = a.removeUnrenderable(replaceByParents(heads, bases)), a.removeUnrenderable(replaceByParents(bases, heads))
	var pairs []pair
	failed := len(a.opaque)        // failures of heads are listed before failures of bases
	movedDirs := map[string]bool{} // directories of the base that moved in the head
	for _, s := range heads {
		s = keepPlainSource(s, heads, bases)
		base := findSource(bases, s)
		if base == nil {
			if base = findMovedSource(s, bases, func(b adapter.Source) bool { return movedDirs[b.Dir] || findSource(heads, b) != nil }, a.rng.Changes); base != nil {
				movedDirs[base.Dir] = true
			} else if base = guessPlainSource(a.base, s, bases); base == nil {
				base = findMovedDir(s, a.base, append(heads, bases...), a.rng.Changes)
			}
		}
		p, err := a.readBothRevisions(ctx, adapters, s, base)
		if err != nil && len(heads) == 1 {
			return nil, err
		}
		if err != nil {
			// One project that cannot be read does not hide the others.
			a.opaque = slices.Insert(a.opaque, failed, describeUnreadableSource(s, err))
			failed++
			continue
		}
		pairs = append(pairs, p)
	}
	for _, s := range bases {
		if findSource(heads, s) != nil || movedDirs[s.Dir] || hasMovedToListedDir(s, opaque, a.rng.Changes) {
			continue
		}
		if h := guessPlainSource(a.head, s, heads); h != nil {
			p, err := a.readBothRevisions(ctx, adapters, *h, &s)
			if err != nil {
				return nil, err
			}
			pairs = append(pairs, p)
			continue
		}
		p := pair{source: s, head: &adapter.Set{Source: s}}
		if p.base, err = a.loadSet(ctx, adapters, a.base, s); err != nil {
			return nil, fmt.Errorf("at %s: %w", a.rng.BaseName, err)
		}
		pairs = append(pairs, p)
	}
	for i := range pairs {
		pairs[i].ahead = a.findMigrationsAhead(ctx, adapters, pairs[i])
	}
	markRestartedSources(pairs)
	markEndedPairs(pairs, a.base, a.head)
	return pairs, a.requireConfiguredMigrations(pairs, adapters)
}

// describeUnreadableSource returns the error of a source that could not be read, as opaque.
func describeUnreadableSource(s adapter.Source, err error) onward.Opaque {
	dir, subject := cmp.Or(s.Dir, "."), s.Framework+" migrations"
	return onward.Opaque{Path: dir, What: subject, Why: strings.TrimPrefix(err.Error(), subject+" in "+dir+": "), Failed: true}
}

// readBothRevisions reads a source at head and, if base is not nil, at the base. It reads them at the
// same time, because an adapter may start the project's own framework, which takes seconds.
// If the head fails, it returns at once and does not wait for the base.
func (a *changelog) readBothRevisions(ctx context.Context, adapters []adapter.Adapter, head adapter.Source, base *adapter.Source) (pair, error) {
	if read := a.commandReader(head); read != nil {
		return read(ctx, adapters, head, base)
	}
	p, err := a.readRevisions(ctx, adapters, head, base)
	if err != nil {
		return a.readAtAncestor(ctx, adapters, head, base, err)
	}
	return p, nil
}

// readRevisions reads a source at both revisions with its adapter.
func (a *changelog) readRevisions(ctx context.Context, adapters []adapter.Adapter, head adapter.Source, base *adapter.Source) (pair, error) {
	p := pair{source: head}
	var baseErr error
	var wait sync.WaitGroup
	deployed, abandon := context.WithCancel(ctx)
	defer abandon()
	if base != nil {
		wait.Go(func() { p.base, baseErr = a.loadSet(deployed, adapters, a.base, *base) })
	}
	var err error
	var ran *adapter.Set
	head.Deployed = adapter.DeployedSource{Tree: a.base, Dir: head.Dir}
	if base != nil {
		head.Deployed.Dir = base.Dir
	}
	if place := findLockTimeoutPlace(a.head, head); place != nil {
		head.Options.Runner.LockTimeoutAt = &history.Place{Find: func() string { return cmp.Or(place.Find(), adapter.FindDefaultTimeout(a.head, ran)) }}
	}
	if p.head, err = a.loadSet(ctx, adapters, a.head, head); err != nil {
		abandon()
	}
	wait.Wait()
	ran = p.base
	switch {
	case err != nil:
		return p, err
	case errors.Is(baseErr, adapter.ErrProject):
		p.base = a.buildBaseFromHead(p.head, *base, baseErr, readModels(ctx, adapters, a.base, *base, baseErr))
	case baseErr != nil:
		return p, fmt.Errorf("at %s: %w", a.rng.BaseName, baseErr)
	}
	p.inferSendMode()
	return p, nil
}

// loadSet loads a source with its adapter.
func (a *changelog) loadSet(ctx context.Context, adapters []adapter.Adapter, t adapter.Tree, s adapter.Source) (*adapter.Set, error) {
	i := slices.IndexFunc(adapters, func(x adapter.Adapter) bool { return x.Name() == s.Framework })
	if i < 0 {
		return nil, fmt.Errorf("%s: there is no framework %q", cmp.Or(s.Dir, "."), s.Framework)
	}
	a.Logger.Debug("load", "framework", s.Framework, "dir", s.Dir, "tree", t.Name(), "why", s.Why)
	set, err := adapters[i].Load(ctx, t, s)
	if err != nil {
		return nil, fmt.Errorf("%s migrations in %s: %w", s.Framework, cmp.Or(s.Dir, "."), err)
	}
	if slices.ContainsFunc(set.Migrations, hasConditions) {
		if other, err := adapters[i].Load(ctx, adapter.FalseConditions(t), s); err == nil {
			renderBothConditions(set, other)
		}
	}
	return set, nil
}

// RunChild lets migrations in JavaScript and TypeScript run in an interpreter. Call it at the beginning of a program's
// main function, before anything else: the program is started again as the process of the interpreter, which reaches no file and no network. There
// RunChild does that process's work, and does not return. Without the call these migrations are listed as not judged.
func RunChild() { jsrun.RunChild() }

// Conclude counts the findings of a report, and derives the verdicts of its migrations
// and of the release. It can be called again after findings were added.
func Conclude(r *onward.Report) { verdict.ConcludeReport(r) }
