package plan

import (
	"context"
	"fmt"
	"strings"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
	"github.com/onward-sql/onward/verify"
)

// Config says which release to plan.
type Config struct {
	rehearse.Config
	// Sketch skips the proof, which needs a server.
	Sketch bool
	// Old and New are recordings of the queries that the deployed and the new code send.
	// Without any, the queries in the source code at base and head count.
	Old, New []*verify.Workload
	// Only are the names of the chains to plan; if it is empty, all are.
	Only []string

	// AcceptPublications are publications of the database whose subscribers already have what
	// the steps need, or may stop.
	AcceptPublications []string

	spoil       func(*onward.Plan) // for tests of the proof
	skipSearch  bool               // for tests: does not look for the chains that fail
	skipTraffic bool               // for tests: skips the traffic
}

// Make reads a release and makes its plan. The report is the audit's.
//
// Errors: those from [audit.Changelog] and, with the proof, from [rehearse.Run].
func Make(ctx context.Context, c Config) (*onward.Plan, *onward.Report, error) {
	release, err := audit.Read(ctx, c.Config.Config)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = release.Close() }()
	report, folds, err := release.Folds()
	if err != nil {
		return nil, nil, err
	}
	src := &source{
		report: report, folds: folds, settings: c.Settings, deployed: deployedSchema(folds), measure: release.Measure,
		estimates: release, known: c.New, writer: findWriter(release, c.Old),
	}
	finish := func(p *planner) error {
		if err := p.reportUnfilteredQueries(release, c.New); err != nil {
			return err
		}
		if err := p.readDatabase(ctx, c.Deployed.DB, c.AcceptPublications); err != nil {
			return err
		}
		p.listOtherDirs(release)
		p.addHashes(release)
		p.noteIgnoredColumns(release)
		return nil
	}
	if err := src.checkChainNames(c.Only); err != nil {
		return nil, nil, err
	}
	p, left := src.planChains(src.findUnchosenChains(c.Only))
	if err := finish(p); err != nil {
		return nil, nil, err
	}
	if c.Sketch || len(p.plan.Steps) == 0 && (len(p.plan.Left) == 0 || len(c.Only) > 0 || !src.hasTransitions()) {
		return p.plan, report, p.finalizePlan()
	}
	r, err := openProofs(ctx, &c, folds)
	if err != nil {
		return p.plan, report, err
	}
	defer r.closeServer()
	if len(p.plan.Steps) > 0 {
		if p, err = r.proveChains(src, p, left, finish); err != nil {
			return p.plan, report, err
		}
	}
	if len(c.Only) == 0 {
		if p, err = r.proveRestated(src, p, release, finish); err != nil {
			return p.plan, report, err
		}
	}
	return p.plan, report, p.finalizePlan()
}

// listOtherDirs names the directories whose migrations the plan leaves out, because a plan is for
// one database.
func (p *planner) listOtherDirs(release *audit.Release) {
	for _, dir := range release.Elsewhere() {
		p.plan.OtherDirs = append(p.plan.OtherDirs, dir)
		p.plan.Notes = appendUnique(p.plan.Notes, []string{fmt.Sprintf("the migrations in %s are in no step: they create tables that %s creates too, "+
			"so onward assumes that they are for another database; to plan them, name only %s under migrations in a copy of onward.yaml and pass it with --config",
			dir, strings.Join(release.Dirs(), ", "), dir)})
	}
}

// addHashes adds the hashes of the migrations to a plan whose steps do everything that the
// migrations do.
func (p *planner) addHashes(release *audit.Release) {
	if len(p.plan.Proof.Missing) > 0 || len(p.plan.Left) > 0 {
		return
	}
	hash := hashMigrations(release)
	for i := range p.plan.Migrations {
		p.plan.Migrations[i].Hash = hash[p.plan.Migrations[i].Path]
	}
}

// hashMigrations returns the hashes of the head's migrations by path.
func hashMigrations(release *audit.Release) map[string]string {
	out := map[string]string{}
	for _, s := range release.Heads() {
		for _, m := range s.Migrations {
			out[m.Path] = m.Hash
		}
	}
	return out
}

// deployedSchema returns the schema before a release.
func deployedSchema(folds []*audit.Folded) *catalog.Catalog {
	for _, m := range folds {
		if len(m.Statements) > 0 && m.Statements[0].Before != nil {
			return m.Statements[0].Before
		}
	}
	return catalog.New()
}
