package plan

import (
	"context"
	"fmt"
	"slices"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/onward"
)

// shortID is the length of an abbreviated commit.
const shortID = 10

// OrderDeploys splits a range of commits into the deploys that it needs. A deploy ends before the first migration that would break the
// code from before the deploy. If a single commit has such a migration, or one that makes others wait, its plan has the steps before and
// after the roll-out.
//
// Errors: as for [Make]; a *[config.InputError] if the head is no commit.
func OrderDeploys(ctx context.Context, c Config) (*onward.DeployOrder, error) {
	if c.Head == "" {
		c.Head = "HEAD"
	}
	release, err := audit.Read(ctx, c.Config.Config)
	if err != nil {
		return nil, err
	}
	defer func() { _ = release.Close() }()
	whole, err := release.Audit()
	if err != nil {
		return nil, err
	}
	out := &onward.DeployOrder{Schema: onward.DeploysSchema, Base: whole.Base, Head: whole.Head, Deploys: []onward.Deploy{}}
	o := &deployOrder{ctx: ctx, config: c, base: release.Commit(), out: out}
	if err := o.listCommits(whole); err != nil {
		return nil, err
	}
	for o.at < len(o.commits) {
		if err := o.addDeploy(); err != nil {
			return nil, err
		}
	}
	return o.out, nil
}

// deployOrder splits a range of commits, deploy by deploy.
type deployOrder struct {
	ctx     context.Context
	config  Config
	out     *onward.DeployOrder
	commits []gitrange.Commit
	base    string // the commit that the range begins after
	at      int    // how many commits are deployed
}

// listCommits lists the commits of the range.
func (o *deployOrder) listCommits(whole *onward.Report) error {
	repo, err := gitrange.Open(o.ctx, o.config.Dir)
	if err != nil {
		return err
	}
	defer func() { _ = repo.Close() }()
	var paths []string
	for i := range whole.Migrations {
		paths = append(paths, whole.Migrations[i].Path)
	}
	o.commits, err = repo.ListCommits(o.ctx, o.base, o.config.Head, paths)
	if err == nil && len(o.commits) == 0 {
		err = &config.InputError{Err: fmt.Errorf("no commit is between %s and %s", whole.Base, whole.Head)}
	}
	return err
}

// deployedCommit returns the commit of the code that runs before the next deploy.
func (o *deployOrder) deployedCommit() string {
	if o.at == 0 {
		return o.base
	}
	return o.commits[o.at-1].ID
}

// addDeploy finds the next deploy: all commits up to the first one with a migration that breaks the deployed code.
func (o *deployOrder) addDeploy() error {
	var safe *onward.Report
	for i := o.at; i < len(o.commits); i++ {
		if !o.commits[i].Touched {
			continue
		}
		r, err := o.auditUntil(i)
		if err != nil {
			return err
		}
		breaks := describeErrors(r, onward.Compatibility, onward.DataLoss)
		if len(breaks) == 0 {
			safe = r
			continue
		}
		if i > o.at { // the code before it comes first
			return o.finishDeploy(i-1, safe, breaks)
		}
		return o.finishDeploy(i, r, nil)
	}
	return o.finishDeploy(len(o.commits)-1, safe, nil)
}

// auditUntil audits the range from the deployed commit to another one.
func (o *deployOrder) auditUntil(i int) (*onward.Report, error) {
	c := o.config.Config.Config
	c.Base, c.Head = o.deployedCommit(), o.commits[i].ID
	return audit.Changelog(o.ctx, c)
}

// finishDeploy adds a deploy that ends with a commit. r is the report on its migrations; nil if it has none.
func (o *deployOrder) finishDeploy(last int, r *onward.Report, reasons []string) error {
	commit := &o.commits[last]
	d := onward.Deploy{
		From: o.deployedCommit()[:shortID], Commit: commit.ID[:shortID], Subject: commit.Subject, Date: commit.Date,
		Migrations: []onward.PlannedMigration{}, Why: reasons,
	}
	if o.at == 0 {
		d.From = o.out.Base
	}
	if last == len(o.commits)-1 {
		d.Commit = o.out.Head
	}
	if r != nil {
		for i := range r.Migrations {
			d.Migrations = append(d.Migrations, onward.PlannedMigration{ID: r.Migrations[i].ID, Path: r.Migrations[i].Path})
		}
		if unsafe := describeErrors(r, onward.Compatibility, onward.DataLoss, onward.Locking, onward.InTransaction); len(unsafe) > 0 {
			if err := o.planDeploy(&d, last, unsafe); err != nil {
				return err
			}
		}
	}
	o.out.Deploys = append(o.out.Deploys, d)
	o.at = last + 1
	return nil
}

// planDeploy makes the plan of a deploy, and counts its steps.
func (o *deployOrder) planDeploy(d *onward.Deploy, last int, unsafe []string) error {
	c := o.config
	c.Base, c.Head = o.deployedCommit(), o.commits[last].ID
	p, _, err := Make(o.ctx, c)
	if err != nil {
		return err
	}
	d.Steps = &onward.DeploySteps{Why: unsafe, Proven: p.Proof.Proven, Tried: !c.Sketch, Missing: p.MissingSteps()}
	for i := range p.Steps {
		switch s := &p.Steps[i]; {
		case s.Bookkeeping:
		case s.Phase == onward.Expand:
			d.Steps.Expand++
		case s.Phase == onward.Backfill:
			d.Steps.Backfill++
		default:
			d.Steps.Contract++
		}
	}
	return nil
}

// mostReasons limits the reasons of a deploy.
const mostReasons = 3

// describeErrors returns the errors of some categories, in sentences.
func describeErrors(r *onward.Report, categories ...onward.Category) (out []string) {
	more := 0
	for i := range r.Findings {
		f := &r.Findings[i]
		switch {
		case f.Severity != onward.Error || !slices.Contains(categories, f.Category):
		case len(out) == mostReasons:
			more++
		default:
			out = append(out, fmt.Sprintf("%s:%d: %s (%s)", f.Path, f.Line, f.Fact, f.Rule))
		}
	}
	if more > 0 {
		out = append(out, fmt.Sprintf("and %d more", more))
	}
	return out
}
