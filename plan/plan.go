package plan

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
	"github.com/onward-sql/onward/verify"
)

// Config says which release to plan.
type Config struct {
	rehearse.Config
	// Sketch leaves out the proof, and with it the server.
	Sketch bool
	// Old is what the deployed code sends, New what the new code does: recordings. Without any,
	// what the code at base and head says.
	Old, New []*verify.Workload

	// AcceptPublications are publications of the database whose subscribers have what the steps need, or may stop.
	AcceptPublications []string

	spoil func(*onward.Plan) // for tests of the proof
	quiet bool               // the same, without the traffic
}

// Make reads a release, and makes the plan of it. The report is the audit's.
//
// Errors: those of [audit.Changelog], and with the proof those of [rehearse.Run].
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
	p := planned(report, folds, c.Settings, deployed(folds), release.Measure, recorded{c.Old, c.New})
	if err := p.unfiltered(release, c.New); err != nil {
		return nil, nil, err
	}
	if err := p.publications(ctx, c.Deployed.DB, c.AcceptPublications); err != nil {
		return nil, nil, err
	}
	p.whole(release)
	if c.Sketch || len(p.plan.Steps) == 0 {
		return p.plan, report, seal(p.plan)
	}
	if c.spoil != nil {
		c.spoil(p.plan)
	}
	if err := prove(ctx, c, p, folds); err != nil {
		return p.plan, report, err
	}
	return p.plan, report, seal(p.plan)
}

// whole puts the hashes of the migrations into a plan whose steps do all of what they do.
func (p *planner) whole(release *audit.Release) {
	if len(p.plan.Proof.Missing) > 0 {
		return
	}
	hash := map[string]string{}
	for _, s := range release.Heads() {
		for _, m := range s.Migrations {
			hash[m.Path] = m.Hash
		}
	}
	for i := range p.plan.Migrations {
		p.plan.Migrations[i].Hash = hash[p.plan.Migrations[i].Path]
	}
}

// planner is a plan in the making.
type planner struct {
	report  *onward.Report
	release *recipe.Release
	plan    *onward.Plan
	changes []*recipe.Change
	steps   []recipe.Step
	// open are changes that have no safe form, bad the steps that do not audit clean, and
	// found are the rules that find something in a step, by its ID.
	open  map[*recipe.Change]bool
	bad   map[string]bool
	found map[string][]string
	// fails: a server refuses a step, behind those before it.
	fails   bool
	measure measure
}

// measure is [audit.Release.Measure].
type measure = func([]onward.Effect, *audit.Result) string

// deployed is the schema in front of a release.
func deployed(folds []*audit.Folded) *catalog.Catalog {
	for _, m := range folds {
		if len(m.Statements) > 0 && m.Statements[0].Before != nil {
			return m.Statements[0].Before
		}
	}
	return catalog.New()
}

// planned makes the plan of migrations of a release.
func planned(report *onward.Report, folds []*audit.Folded, settings *config.Config, deployed *catalog.Catalog, measure measure, known recorded) *planner {
	p := &planner{report: report, measure: measure, open: map[*recipe.Change]bool{}, bad: map[string]bool{}, found: map[string][]string{}, plan: &onward.Plan{
		Schema: onward.PlanSchema, Base: report.Base, Head: report.Head, Migrations: []onward.PlannedMigration{}, Steps: []onward.PlanStep{},
		Proof: onward.PlanProof{Checks: []onward.PlanCheck{}, Missing: []string{}},
	}}
	p.release = recipe.NewRelease(deployed, report.Postgres)
	p.release.Unwritten = known.unwritten
	if settings != nil {
		p.release.Deprecated, p.release.SoftDelete = settings.Deprecated, settings.SoftDelete
	}
	for _, m := range folds {
		p.plan.Migrations = append(p.plan.Migrations, onward.PlannedMigration{ID: m.ID, Path: m.Path})
		p.migration(m)
	}
	p.make()
	p.finish()
	p.audited()
	p.plan.Catalog = p.release.Deployed.Sum(p.plan.Relations())
	return p
}

// programs are what the release does beside SQL: no step of the plan does it.
func (p *planner) programs(m *rule.Migration) {
	told := map[int]bool{}
	for _, c := range m.Script.Source.Code {
		told[c.Line] = true
		p.missing("%s:%d runs %s, which is no SQL: it is in no step, and its tool is to run it", m.Path, c.Line, c.Name)
	}
	for _, o := range p.report.Opaque {
		if o.Path == m.Path && !o.Usage && !told[o.Line] {
			p.missing("%s:%d: %s is in no step: %s", o.Path, o.Line, o.What, o.Why)
		}
	}
}

// migration takes one apart.
func (p *planner) migration(m *rule.Migration) {
	p.programs(m)
	for _, s := range m.Statements {
		if s.Node == nil || s.Opaque != "" && s.Node.GetDoStmt() != nil {
			p.missing("%s:%d cannot be planned: %s", m.Path, s.Line, cmp.Or(s.Opaque, "it could not be read"))
			continue
		}
		if s.Parent >= 0 || s.In != "" || ofSession(s.Node) {
			continue
		}
		if s.Node.GetDoStmt() != nil {
			p.missing("%s:%d is a DO block: what it does is not taken apart", m.Path, s.Line)
		}
		for _, c := range changes(s) {
			p.against(c)
			p.changes = append(p.changes, c)
		}
	}
}

// make has the recipes make the steps: all changes are known to each of them.
func (p *planner) make() {
	p.release.Compose(p.changes)
	for _, c := range p.changes {
		made := recipe.Plan(c)
		for i := range made.Steps {
			made.Steps[i].From = c
		}
		p.took(made)
		p.open[c] = len(made.Missing) > 0
	}
	p.took(p.release.Behind())
}

// took takes what a recipe made into the plan.
func (p *planner) took(made *recipe.Made) {
	p.steps = append(p.steps, made.Steps...)
	p.plan.Proof.Missing = onceMore(p.plan.Proof.Missing, made.Missing)
	p.plan.Notes = onceMore(p.plan.Notes, made.Notes)
	p.plan.Statements = append(p.plan.Statements, made.Says...)
}

// onceMore adds sentences that are not there yet.
func onceMore(list, more []string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

func (p *planner) missing(format string, args ...any) {
	p.plan.Proof.Missing = append(p.plan.Proof.Missing, fmt.Sprintf(format, args...))
}

// ofSession: a statement about the session or its transaction, which each step has of its own.
func ofSession(n *pgparse.Node) bool {
	switch n.GetNode().(type) {
	case *pgparse.Node_VariableSetStmt, *pgparse.Node_TransactionStmt, *pgparse.Node_ConstraintsSetStmt, *pgparse.Node_VariableShowStmt, *pgparse.Node_LockStmt:
		return true
	}
	sel := n.GetSelectStmt()
	if sel == nil || len(sel.FromClause) > 0 || len(sel.TargetList) != 1 {
		return false
	}
	value := sel.TargetList[0].GetResTarget().GetVal()
	call := value.GetFuncCall()
	return value.GetAConst() != nil || call != nil && pgparse.Last(call.Funcname) == "set_config"
}

// changes takes a statement apart.
func changes(s *rule.Stmt) []*recipe.Change {
	stmt := s.Node.GetAlterTableStmt()
	if stmt == nil || stmt.Objtype != pgparse.ObjectType_OBJECT_TABLE {
		return []*recipe.Change{{Stmt: s, Text: s.SQL}}
	}
	var out []*recipe.Change
	for i, n := range stmt.Cmds {
		out = append(out, &recipe.Change{Stmt: s, Command: n.GetAlterTableCmd(), Text: s.Clause(i)})
	}
	return out
}

// against are the findings at a change.
func (p *planner) against(c *recipe.Change) {
	for _, f := range p.report.Findings {
		if !at(&f, c) {
			continue
		}
		switch f.Category {
		case onward.Compatibility, onward.DataLoss:
			c.Breaks = append(c.Breaks, f)
		case onward.Locking:
			c.Locks = append(c.Locks, f)
		}
	}
}

// at reports whether a finding is at the statement of a change.
func at(f *onward.Finding, c *recipe.Change) bool {
	return f.Path == c.Migration.Path && f.Line >= c.Line && f.Line <= c.EndLine && (f.Line > c.Line || f.Column >= c.Column) && (f.Line < c.EndLine || f.Column < c.EndColumn)
}

// order of the phases.
var order = map[onward.PlanPhase]int{onward.Expand: 0, onward.Backfill: 1, onward.Contract: 2}

// finish puts the steps in their order, and writes them down.
func (p *planner) finish() {
	slices.SortStableFunc(p.steps, func(a, b recipe.Step) int { return order[a.Phase] - order[b.Phase] })
	p.steps = joinSteps(p.steps)
	before, ids := "", map[*onward.PlannedBackfill]string{}
	for i := range p.steps {
		s := &p.steps[i]
		out := onward.PlanStep{
			ID: fmt.Sprintf("%02d-%s", i+1, s.Phase), Phase: s.Phase, Release: 1, Class: s.Class, Why: s.Why, Check: s.Check,
			Migration: s.From.Migration.ID, Requires: []onward.Requirement{}, Effects: []onward.Effect{}, Backfill: s.Backfill, Replaces: s.Replaces,
		}
		if s.Backfill != nil {
			ids[s.Backfill] = out.ID
		}
		if s.Phase == onward.Contract {
			out.Release = 2
			out.Requires = append(out.Requires, onward.Requirement{Kind: onward.RequiresGone, Text: "no process of the deployed code (" + p.plan.Base + ") is left"})
		}
		if before != "" {
			out.Requires = append(out.Requires, onward.Requirement{Kind: onward.RequiresStep, Step: before, Text: before + " is done"})
		}
		if s.Check != "" {
			out.Requires = append(out.Requires, onward.Requirement{Kind: onward.RequiresCheck, Text: "its check finds no row"})
		}
		for _, b := range s.Behind {
			id := ids[b]
			if id == "" {
				continue
			}
			out.Requires = append(out.Requires, onward.Requirement{Kind: onward.RequiresVerified, Step: id, Text: "the rows of " + id + " were compared, and found right"})
		}
		out.SQL, out.Transaction = text(s)
		out.Undo = lines(s.Undo)
		if len(s.Undo) > 1 && s.Class != onward.StepConcurrent && s.Class != onward.StepBackfill { // at no moment half of it
			out.Undo = together(out.Undo)
		}
		out.Repeat = s.Class == onward.StepBackfill
		p.plan.Steps = append(p.plan.Steps, out)
		before = out.ID
	}
	if p.release.Keeps {
		p.plan.Steps = append(p.plan.Steps, onward.PlanStep{
			ID: fmt.Sprintf("%02d-%s", len(p.steps)+1, onward.Contract), Phase: onward.Contract, Release: 2, Class: onward.StepDDL,
			SQL: together("DROP SCHEMA IF EXISTS " + recipe.Schema + ";\n"), Transaction: onward.TransactionFile, Why: "nothing of the plan is left", Effects: []onward.Effect{},
			Requires: []onward.Requirement{{Kind: onward.RequiresStep, Step: before, Text: before + " is done"}}, Migration: p.steps[len(p.steps)-1].From.Migration.ID,
		})
	}
	p.noteStayChanged()
}

// joinSteps makes one step of neighbours that add columns by one statement: one lock is enough.
func joinSteps(steps []recipe.Step) (out []recipe.Step) {
	for _, s := range steps {
		if n := len(out); n > 0 && s.Joins && out[n-1].Joins && s.Phase == out[n-1].Phase && s.From.Stmt == out[n-1].From.Stmt {
			last := &out[n-1]
			last.SQL, last.Undo = slices.Concat(last.SQL, s.SQL), slices.Concat(s.Undo, last.Undo)
			continue
		}
		out = append(out, s)
	}
	return out
}

// timeout bounds for how long others wait behind a step that waits for its lock.
var timeout = fmt.Sprintf("SET LOCAL lock_timeout = '%s';\n", onward.PlanLockTimeout)

// together are statements in a transaction of their own.
func together(sql string) string { return "BEGIN;\n" + timeout + sql + "COMMIT;\n" }

// text is a step's SQL.
func text(s *recipe.Step) (string, onward.Transaction) {
	if s.Class == onward.StepConcurrent || s.Class == onward.StepBackfill || s.Alone {
		return s.SQL[0] + ";\n", onward.TransactionNone
	}
	return together(lines(s.SQL)), onward.TransactionFile
}

func lines(list []string) string {
	var b strings.Builder
	for _, sql := range list {
		b.WriteString(strings.TrimSpace(sql) + ";\n")
	}
	return b.String()
}
