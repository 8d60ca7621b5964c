package audit

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/gittree"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// Release is what lies between two revisions: the migrations that the base
// has, and those that the head brings.
type Release struct {
	a        changelog
	repo     *gitrange.Repo
	pairs    []pair
	compared []*comparison
	usage    *deployedCode
}

// Step is a migration of a release.
type Step struct {
	*adapter.Migration
	Status onward.Status
	// Report is its index in the Migrations of the release's report.
	Report int
	// Applied: it stands for migrations that the base has, all of them, so its
	// runner notes it as applied and does not run it.
	Applied bool
}

// Read reads the migrations of both revisions. Its errors are those of
// [Changelog]. The release must be closed.
func Read(ctx context.Context, c Config) (*Release, error) {
	c.Settings, c.Logger = settings(c.Settings), logger(c.Logger)
	repo, err := gitrange.Open(ctx, cmp.Or(c.Dir, "."))
	if err != nil {
		return nil, err
	}
	r := &Release{repo: repo}
	if err := r.read(ctx, c); err != nil {
		repo.Close()
		return nil, err
	}
	return r, nil
}

func (r *Release) read(ctx context.Context, c Config) error {
	rng, err := r.repo.Range(ctx, cmp.Or(c.Base, c.Settings.Base), c.Head)
	if err != nil {
		return err
	}
	k, err := c.know(ctx, c.Settings)
	if err != nil {
		return err
	}
	r.a = changelog{Config: c, known: k, rng: rng, base: gittree.Of(rng.Base), head: gittree.Of(rng.Head)}
	k.base = r.a.base
	if r.pairs, err = r.a.load(ctx); err != nil {
		return err
	}
	for _, p := range r.pairs {
		c := compare(p, rng.Changes)
		r.a.diverged(ctx, p, c)
		r.compared = append(r.compared, c)
	}
	r.a.unclaimed(r.pairs)
	r.usage = newUsage(rng, r.pairs)
	r.usage.repo = r.repo.Root()
	if r.usage.recordings, err = r.a.recordings(); err != nil {
		return err
	}
	if len(r.compared) > 0 {
		mapped := slices.ContainsFunc(r.pairs, func(p pair) bool { return p.head.Models != nil })
		r.compared[0].history = append(r.compared[0].history, unwritten(rng, func(p string) bool { return r.usage.noCode(p) || data(p) }, mapped)...)
	}
	return nil
}

// Close ends the reading of the repository.
func (r *Release) Close() error { return r.repo.Close() }

// Audit judges the release.
func (r *Release) Audit() (*onward.Report, error) {
	return r.a.judge(r.pairs, r.compared, r.usage)
}

// Model judges the release for one major version of Postgres, without asking
// for the deployed code: for what its statements do.
func (r *Release) Model(major int) (*onward.Report, error) {
	a := r.a
	settings := *a.Settings
	settings.Postgres = []int{major}
	a.Settings = &settings
	return a.judge(r.pairs, r.compared, nil)
}

// Folded is a migration of a release with all that is known of its statements.
type Folded = rule.Migration

// Folds judges the release, and gives the migrations of the database that it is mostly about
// with all that is known of their statements, in order.
func (r *Release) Folds() (*onward.Report, []*Folded, error) { return r.FoldsWithin(math.MaxInt) }

// FoldsWithin is Folds, without the migrations where they have more than so many statements:
// what is known of those takes many times the room of their text.
func (r *Release) FoldsWithin(statements int) (*onward.Report, []*Folded, error) {
	r.a.share(r.pairs)
	main := r.main()
	a := r.a
	var out []*Folded
	a.keep = func(database int, m *Folded) {
		if statements -= len(m.Statements); statements < 0 {
			out = nil
		} else if slices.Equal(a.databases[database], main) {
			out = append(out, m)
		}
	}
	report, err := a.judge(r.pairs, r.compared, r.usage)
	return report, out, err
}

// History is what the base has of one source of migrations.
type History struct {
	Source adapter.Source
	// Migrations are in the order of their runner.
	Migrations []*adapter.Migration
	// Grows: the release adds to it.
	Grows bool
}

// main are the sources of the database that is rehearsed, as indexes.
func (r *Release) main() []int {
	at := r.mainDatabase()
	return r.a.databases[at]
}

// mainDatabase is the database to which the release brings the most migrations, and of
// those the one that has the most: one is rehearsed.
func (r *Release) mainDatabase() int {
	r.a.share(r.pairs)
	count := func(members []int) (brings, has int) {
		for _, i := range members {
			brings += len(r.compared[i].release)
			has += len(r.compared[i].deployed)
		}
		return brings, has
	}
	most := 0
	for i := range r.a.databases {
		brings, has := count(r.a.databases[i])
		brings2, has2 := count(r.a.databases[most])
		if cmp.Or(brings-brings2, has-has2) > 0 {
			most = i
		}
	}
	return most
}

// Elsewhere are the directories whose migrations the release brings to other
// databases than that of Deployed and Steps.
func (r *Release) Elsewhere() []string {
	var out []string
	main := r.main()
	for i, c := range r.compared {
		if len(c.release) > 0 && !slices.Contains(main, i) {
			out = append(out, cmp.Or(r.pairs[i].source.Dir, "."))
		}
	}
	return out
}

// Deployed are the histories of the base.
func (r *Release) Deployed() []History {
	var out []History
	main := r.main()
	for i, c := range r.compared {
		if !slices.Contains(main, i) {
			continue
		}
		out = append(out, History{Source: r.pairs[i].source, Migrations: c.deployed, Grows: len(c.release) > 0})
	}
	return out
}

// Steps are the migrations that the release runs.
func (r *Release) Steps() []Step {
	var out []Step
	at := 0
	main := r.main()
	for i, c := range r.compared {
		if !slices.Contains(main, i) {
			at += len(c.release) + len(c.deleted)
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
			out = append(out, Step{Migration: m.migration, Status: m.status, Report: at, Applied: applied})
			at++
		}
		at += len(c.deleted)
	}
	return out
}

// kept hands a migration on, once it was judged, to who wants to look at it again, with all
// that is known of its statements: the engine lets go of that when the next one is judged.
func (j *judge) kept(m *rule.Migration) {
	if j.keep == nil {
		return
	}
	kept := *m
	kept.Statements = make([]*rule.Stmt, len(m.Statements))
	for i, s := range m.Statements {
		one, own := *s, *s.Statement
		one.Statement = &own
		kept.Statements[i] = &one
	}
	j.keep(&kept)
}
