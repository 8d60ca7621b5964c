package audit

import (
	"context"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/gittree"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/onward"
)

// Release is what lies between two revisions: the migrations that the base
// has, and those that the head brings.
type Release struct {
	a        changelog
	repo     *gitrange.Repo
	pairs    []pair
	compared []*comparison
	usage    *usage
}

// Step is a migration of a release.
type Step struct {
	*adapter.Migration
	Status onward.Status
	// Report is its index in the Migrations of the release's report.
	Report int
}

// Read reads the migrations of both revisions. Its errors are those of
// [Changelog]. The release must be closed.
func Read(ctx context.Context, c Config) (*Release, error) {
	c.Settings, c.Logger = settings(c.Settings), logger(c.Logger)
	repo, err := gitrange.Open(ctx, cmpOr(c.Dir, "."))
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
	rng, err := r.repo.Range(ctx, cmpOr(c.Base, c.Settings.Base), c.Head)
	if err != nil {
		return err
	}
	k, err := c.know(ctx, c.Settings)
	if err != nil {
		return err
	}
	r.a = changelog{Config: c, known: k, deployed: k.catalog, rng: rng, base: gittree.Of(rng.Base), head: gittree.Of(rng.Head)}
	if r.pairs, err = r.a.load(ctx); err != nil {
		return err
	}
	for _, p := range r.pairs {
		r.compared = append(r.compared, compare(p, rng.Changes))
	}
	r.usage = newUsage(rng, r.pairs)
	return nil
}

// Close ends the reading of the repository.
func (r *Release) Close() error { return r.repo.Close() }

// Audit judges the release.
//
// The rules ask for the deployed code's use of columns and tables as they go.
// The first round gathers the questions; when there are any that need a search,
// one search answers them all, and the second round has the answers.
func (r *Release) Audit() (*onward.Report, error) {
	report, err := r.a.judge(r.pairs, r.compared, r.usage)
	if err != nil || len(r.usage.asked) == 0 {
		return report, err
	}
	r.usage.search()
	return r.a.judge(r.pairs, r.compared, r.usage)
}

// Model judges the release for one major version of Postgres, without asking
// for the deployed code: for what its statements do.
func (r *Release) Model(major int) (*onward.Report, error) {
	a := r.a
	settings := *a.Settings
	settings.Postgres = []int{major}
	a.Settings = &settings
	return a.judge(r.pairs, r.compared, r.usage)
}

// Deployed are the migrations of the base, in the order of their runner, a
// list for each source.
func (r *Release) Deployed() [][]*adapter.Migration {
	var out [][]*adapter.Migration
	for _, c := range r.compared {
		out = append(out, c.deployed)
	}
	return out
}

// Steps are the migrations that the release runs.
func (r *Release) Steps() []Step {
	var out []Step
	at := 0
	for _, c := range r.compared {
		for _, m := range c.release {
			out = append(out, Step{Migration: m.migration, Status: m.status, Report: at})
			at++
		}
		at += len(c.deleted)
	}
	return out
}
