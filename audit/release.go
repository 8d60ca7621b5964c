package audit

import (
	"cmp"
	"context"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/gittree"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/deployed"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// Config is what Changelog needs. The zero value audits the repository around
// the current directory against its default branch.
type Config struct {
	// Dir is a directory of the repository; "" is the current one.
	Dir string
	// Base and Head are revisions. If Base is "", it is the configured base, else the default
	// branch. If Head is "", it is the working tree.
	Base, Head string
	// Deployed says where to read the deployed database.
	Deployed
	// Settings is the project's onward.yaml; nil is the default.
	Settings   *config.Config
	TrustsBase bool // Settings belong to the deployed revision ([BaseFiles])
	// Still prevents running any code of the repository: projects that render their
	// migrations are left out, and listed as not judged.
	Still bool
	Edits Edits // for the working tree
	// Now is the time for the dates of deprecated columns; zero means the clock.
	Now time.Time
	// Logger logs progress; it may be nil.
	Logger *slog.Logger
}

// Changelog reports on the migrations that are new between two revisions.
//
// Errors: git's errors for revisions and repositories, a [*NotFoundError] if there are no
// migrations, a *config.Error for the settings.
func Changelog(ctx context.Context, c Config) (*onward.Report, error) {
	r, err := Read(ctx, c)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.Audit()
}

// Release is the difference between two revisions: the migrations of the base, and those
// that the head adds.
type Release struct {
	a        changelog
	repo     *gitrange.Repo
	pairs    []pair
	compared []*comparison
	usage    *deployed.Code
	head     *deployed.Code // see ListHeadUses; nil if nothing has asked
}

// Step is a migration of a release.
type Step struct {
	*adapter.Migration
	Status onward.Status
	// Report is its index in the Migrations of the release's report.
	Report int
	// Applied is set if it replaces only migrations that the base has: its runner records it
	// as applied and does not run it.
	Applied bool
}

// Read reads the migrations of both revisions. Errors: as for [Changelog]. The release must
// be closed.
func Read(ctx context.Context, c Config) (*Release, error) {
	c.Settings, c.Logger = defaultConfig(c.Settings), defaultLogger(c.Logger)
	repo, err := gitrange.Open(ctx, cmp.Or(c.Dir, "."))
	if err != nil {
		return nil, err
	}
	r := &Release{repo: repo}
	repo.SetEdits(c.Edits)
	if err := r.readRevisions(ctx, c); err != nil {
		repo.Close()
		return nil, err
	}
	return r, nil
}

func (r *Release) readRevisions(ctx context.Context, c Config) error {
	rng, err := r.repo.Range(ctx, cmp.Or(c.Base, c.Settings.Base), c.Head)
	if err != nil {
		return err
	}
	k, err := c.readDeployedFacts(ctx, c.Settings)
	if err != nil {
		return err
	}
	r.a = changelog{Config: c, known: k, rng: rng, base: gittree.Of(rng.Base), head: gittree.Of(rng.Head)}
	k.base, r.a.root = r.a.base, r.repo.Root()
	settings := r.a.readDeployedSettings(ctx, r.repo)
	r.a.weakened = r.a.listWeakened(settings)
	r.a.useBaseCommands(settings)
	if r.pairs, err = r.a.readSources(ctx); err != nil {
		return err
	}
	for _, p := range r.pairs {
		c := compareRevisions(p, rng.Changes)
		c.history = append(c.history, findLineEndChanges(p, r.a.base, r.a.head)...)
		c.separatePlannedMigrations(k.plans.Replaced)
		r.compared = append(r.compared, c)
	}
	r.a.listUnclaimedFiles(r.pairs)
	r.usage = deployed.NewCode(rng, baseSources(r.pairs))
	r.usage.Repo = r.repo.Root()
	r.usage.Head, r.usage.Changes = sync.OnceValue(r.headUsage), rng.Changes
	if r.usage.Recordings, err = r.a.readRecordings(); err != nil {
		return err
	}
	if len(r.compared) > 0 {
		mapped := slices.ContainsFunc(r.pairs, func(p pair) bool { return p.head.Models != nil })
		skip := func(path string) bool { return r.usage.IsNotCode(path) || deployed.IsDataFile(path) }
		r.a.writtenPlans = readWrittenPlans(r.a.head)
		r.a.weakened = append(r.a.weakened, r.a.listStepsMarkedAsRun()...)
		for _, p := range r.a.writtenPlans {
			c := r.compared[max(0, slices.IndexFunc(r.pairs, func(o pair) bool { return o.source.Dir == p.Dir }))]
			c.history = append(c.history, findFilledColumns(p)...)
		}
		r.compared[0].history = append(r.compared[0].history, deployed.FindUnwrittenColumns(rng, skip, mapped, r.usage.ReadFiles)...)
	}
	return nil
}

// baseSources returns the sources of migrations as the deployed code has them.
func baseSources(pairs []pair) []deployed.Source {
	var out []deployed.Source
	for _, p := range pairs {
		out = append(out, deployed.Source{
			Dir: p.source.Dir, Framework: p.source.Framework, Set: p.base,
			ListTables: func() map[string]bool { return findSurelyCreatedTables(p) },
		})
	}
	return out
}

// Close stops reading the repository.
func (r *Release) Close() error { return r.repo.Close() }

// Audit judges the release.
func (r *Release) Audit() (*onward.Report, error) {
	return r.a.judgeRelease(r.pairs, r.compared, r.usage)
}

// Model judges the release for one major version of Postgres, without reading the deployed
// code: only for the effects of its statements.
func (r *Release) Model(major int) (*onward.Report, error) {
	a := r.a
	settings := *a.Settings
	settings.Postgres = []int{major}
	a.Settings = &settings
	return a.judgeRelease(r.pairs, r.compared, nil)
}

// Folded is a migration of a release with the analysis of its statements.
type Folded = rule.Migration

// Folds judges the release, and returns the migrations of the database with most of the
// release, in order, with the analysis of their statements.
func (r *Release) Folds() (*onward.Report, []*Folded, error) { return r.FoldsWithin(math.MaxInt) }

// FoldsWithin is Folds, but returns no migrations if they have more than so many statements:
// their analysis takes many times the memory of their text.
func (r *Release) FoldsWithin(statements int) (*onward.Report, []*Folded, error) {
	main := r.mainDatabase()
	a := r.a
	var out []*Folded
	a.keep = func(database int, m *Folded) {
		if statements -= len(m.Statements); statements < 0 {
			out = nil
		} else if database == main {
			out = append(out, m)
		}
	}
	report, err := a.judgeRelease(r.pairs, r.compared, r.usage)
	return report, out, err
}

// History has the deployed migrations of one source.
type History struct {
	Source adapter.Source
	// Migrations are in the order of their runner.
	Migrations []*adapter.Migration
	// Grows is set if the release adds to it.
	Grows bool
}

// main returns the sources of the database that is rehearsed, as indexes.
func (r *Release) main() []int {
	main := r.mainDatabase()
	return r.a.databases[main].sources
}

// mainDatabase returns the database to which the release adds the most migrations, and of
// several such the one that has the most: only one is rehearsed.
func (r *Release) mainDatabase() int {
	r.a.groupByDatabase(r.pairs)
	count := func(members []int) (added, deployed int) {
		for _, i := range members {
			added += len(r.compared[i].release)
			deployed += len(r.compared[i].deployed)
		}
		return added, deployed
	}
	most := 0
	for i := range r.a.databases {
		added, deployed := count(r.a.databases[i].sources)
		addedMost, hadMost := count(r.a.databases[most].sources)
		if cmp.Or(added-addedMost, deployed-hadMost) > 0 {
			most = i
		}
	}
	return most
}

// Elsewhere returns the directories whose new migrations are for other databases than the
// one of Deployed and Steps.
func (r *Release) Elsewhere() []string { return r.listDirsWithNewMigrations(false) }

// Dirs returns the directories whose migrations are in Steps.
func (r *Release) Dirs() []string { return r.listDirsWithNewMigrations(true) }

// listDirsWithNewMigrations returns the directories with new migrations of the main database, or of the others.
func (r *Release) listDirsWithNewMigrations(ofMain bool) []string {
	var out []string
	main := r.main()
	for i, c := range r.compared {
		if len(c.release) > 0 && slices.Contains(main, i) == ofMain {
			out = append(out, cmp.Or(r.pairs[i].source.Dir, "."))
		}
	}
	return out
}

// Deployed returns the histories of the base, as the database of the release has them.
func (r *Release) Deployed() []History {
	var out []History
	main := r.main()
	for i, c := range r.compared {
		if !slices.Contains(main, i) {
			continue
		}
		out = append(out, History{Source: r.pairs[i].source, Migrations: r.a.known.withPlanSteps(c.schema, c, r.a.Only), Grows: len(c.release) > 0})
	}
	return out
}

// Steps returns the migrations that the release runs.
func (r *Release) Steps() []Step {
	var out []Step
	index := 0
	main := r.main()
	for i, c := range r.compared {
		if !slices.Contains(main, i) {
			index += len(c.release) + len(c.deleted)
			continue
		}
		base := map[string]bool{}
		for _, m := range c.deployed {
			base[m.ID] = true
		}
		for _, m := range c.release {
			applied := len(m.migration.Replaces) > 0
			for _, id := range m.migration.Replaces {
				applied = applied && base[id]
			}
			out = append(out, Step{Migration: m.migration, Status: m.status, Report: index, Applied: applied})
			index++
		}
		index += len(c.deleted)
	}
	return out
}

func defaultConfig(c *config.Config) *config.Config {
	if c == nil {
		return config.Default()
	}
	return c
}

func defaultLogger(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l
}

// Edits are texts of the working tree that are not saved yet, by path; nil for a deleted file.
type Edits = gitrange.Edits

// Holds reports whether a file is in a directory of migrations of the release, at its head or its base.
func (r *Release) Holds(path string) bool {
	return slices.ContainsFunc(r.pairs, func(p pair) bool {
		return isInSource(p, path) || p.base != nil && slices.ContainsFunc(p.base.Migrations, func(m *adapter.Migration) bool { return m.Path == path })
	})
}

// Settings are the settings by which the release is judged.
func (r *Release) Settings() *config.Config { return r.a.Settings }

// Catalog is a schema as a value.
type Catalog = catalog.Catalog

// Name is the name of an object in a schema.
type Name = catalog.Name

// Schemas judges the release as [Release.Model] does, and returns the schemas that the
// migrations make, at the base and at the head. They are of the database with most of the
// release; sources on other databases are only in the report.
func (r *Release) Schemas(major int) (report *onward.Report, deployed, head *Catalog, err error) {
	main := r.mainDatabase()
	if report, err = r.Model(major); err != nil {
		return nil, nil, nil, err
	}
	return report, r.a.databases[main].base.schema, r.a.databases[main].head, nil
}
