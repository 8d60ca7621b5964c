package plan

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules/data"
	"github.com/onward-sql/onward/internal/rules/transaction"
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

	// AcceptPublications are publications of the database whose subscribers already have what
	// the steps need, or may stop.
	AcceptPublications []string

	spoil       func(*onward.Plan) // for tests of the proof
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
	p := buildPlan(report, folds, c.Settings, deployedSchema(folds), release.Measure, recordings{c.Old, c.New})
	if err := p.reportUnfiltered(release, c.New); err != nil {
		return nil, nil, err
	}
	if err := p.readDatabase(ctx, c.Deployed.DB, c.AcceptPublications); err != nil {
		return nil, nil, err
	}
	p.listOtherDirs(release)
	p.addHashes(release)
	if c.Sketch || len(p.plan.Steps) == 0 {
		return p.plan, report, sealPlan(p.plan)
	}
	if c.spoil != nil {
		c.spoil(p.plan)
	}
	if err := provePlan(ctx, c, p, folds); err != nil {
		return p.plan, report, err
	}
	return p.plan, report, sealPlan(p.plan)
}

// listOtherDirs names the directories whose migrations the plan leaves out, because a plan is for
// one database.
func (p *planner) listOtherDirs(release *audit.Release) {
	for _, dir := range release.Elsewhere() {
		p.reportMissing("the migrations in %s are in no step: they create tables that %s creates too, so onward assumes that they are for another database; "+
			"to plan them, name only %s under migrations in a copy of onward.yaml and pass it with --config", dir, strings.Join(release.Dirs(), ", "), dir)
	}
}

// addHashes adds the hashes of the migrations to a plan whose steps do everything that the
// migrations do.
func (p *planner) addHashes(release *audit.Release) {
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

// planner builds a plan.
type planner struct {
	report  *onward.Report
	release *recipe.Release
	plan    *onward.Plan
	changes []*recipe.Change
	steps   []recipe.Step
	// unsolved are changes without a safe form. bad are steps in which the audit finds something.
	// found are the rules with findings, by step ID.
	unsolved map[*recipe.Change]bool
	bad      map[string]bool
	found    map[string][]string
	// fails: a server refuses a step when the steps run in order.
	fails   bool
	measure measure
}

// measure is [audit.Release.Measure].
type measure = func([]onward.Effect, *audit.Result) string

// deployedSchema returns the schema before a release.
func deployedSchema(folds []*audit.Folded) *catalog.Catalog {
	for _, m := range folds {
		if len(m.Statements) > 0 && m.Statements[0].Before != nil {
			return m.Statements[0].Before
		}
	}
	return catalog.New()
}

// buildPlan makes the plan for migrations of a release.
func buildPlan(report *onward.Report, folds []*audit.Folded, settings *config.Config, deployed *catalog.Catalog, measure measure, known recordings) *planner {
	p := &planner{report: report, measure: measure, unsolved: map[*recipe.Change]bool{}, bad: map[string]bool{}, found: map[string][]string{}, plan: &onward.Plan{
		Schema: onward.PlanSchema, Base: report.Base, Head: report.Head, Migrations: []onward.PlannedMigration{}, Steps: []onward.PlanStep{},
		Proof: onward.PlanProof{Checks: []onward.PlanCheck{}, Missing: []string{}},
	}}
	p.release = recipe.NewRelease(deployed, report.Postgres)
	p.release.Unwritten = known.proveUnwritten
	if settings != nil {
		p.release.Deprecated, p.release.SoftDelete = settings.Deprecated, settings.SoftDelete
	}
	for _, m := range folds {
		p.plan.Migrations = append(p.plan.Migrations, onward.PlannedMigration{ID: m.ID, Path: m.Path})
		p.addMigration(m)
	}
	p.runRecipes()
	p.orderSteps()
	p.auditSteps()
	p.plan.Catalog = p.release.Deployed.HashRelations(p.plan.Relations())
	return p
}

// reportPrograms reports code of the release other than SQL, which no step of the plan runs.
func (p *planner) reportPrograms(m *rule.Migration) {
	told := map[int]bool{}
	for _, c := range m.Script.Source.Code {
		told[c.Line] = true
		p.reportMissing("%s:%d runs %s, which is no SQL: no step has it, and its tool must run it", m.Path, c.Line, c.Name)
	}
	for _, o := range p.report.Opaque {
		if o.Path == m.Path && !o.Usage && !told[o.Line] {
			p.reportMissing("%s:%d: %s is in no step: %s", o.Path, o.Line, o.What, o.Why)
		}
	}
}

// addMigration splits a migration into changes.
func (p *planner) addMigration(m *rule.Migration) {
	p.reportPrograms(m)
	for _, s := range m.Statements {
		if s.Node == nil || s.Opaque != "" && s.Node.GetDoStmt() != nil {
			p.reportMissing("%s:%d cannot be planned: %s", m.Path, s.Line, cmp.Or(s.Opaque, "it could not be read"))
			continue
		}
		if s.Parent >= 0 || s.In != "" || ofSession(s.Node) {
			continue
		}
		if s.Node.GetDoStmt() != nil {
			only := guardedStatement(m, s)
			if only == nil {
				p.reportMissing("%s:%d is a DO block: a plan reads only a block of one statement, with handlers that do nothing", m.Path, s.Line)
			} else {
				s = only
			}
		}
		for _, c := range splitChanges(s) {
			p.collectFindings(c)
			p.changes = append(p.changes, c)
		}
	}
}

// guardedStatement returns the one statement that a DO block runs; nil if the block does more. Generators write such blocks so that
// an object that exists is no error: DO $$ BEGIN ALTER TABLE …; EXCEPTION WHEN duplicate_object THEN null; END $$.
func guardedStatement(m *rule.Migration, block *rule.Stmt) (only *rule.Stmt) {
	if len(block.Expressions) > 0 {
		return nil
	}
	for _, s := range m.Statements {
		switch {
		case s.Parent != block.Index:
		case only != nil || s.Conditional || s.Loop || s.In != "" || s.Node == nil || s.Opaque != "":
			return nil
		default:
			only = s
		}
	}
	return only
}

// runRecipes runs the recipes, after all changes are known to each of them.
func (p *planner) runRecipes() {
	p.release.ComposeChanges(p.changes)
	for _, c := range p.changes {
		made := recipe.PlanChange(c)
		if t := analysis.ManagedTable(c.Before, c.Result.Effects); t != nil {
			made.Missing = append(made.Missing, fmt.Sprintf("%s is %s: no recipe is proven for such a table", t.Name, t.Manager))
		}
		for i := range made.Steps {
			made.Steps[i].From = c
		}
		p.addResult(made)
		p.unsolved[c] = len(made.Missing) > 0
	}
	p.addResult(p.release.SoftDeleteSteps())
}

// addResult adds the result of a recipe to the plan.
func (p *planner) addResult(made *recipe.Steps) {
	p.steps = append(p.steps, made.Steps...)
	p.plan.Proof.Missing = onceMore(p.plan.Proof.Missing, made.Missing)
	p.plan.Notes = onceMore(p.plan.Notes, made.Notes)
	p.plan.Statements = append(p.plan.Statements, made.Says...)
}

// onceMore appends the sentences that are not in the list yet.
func onceMore(list, more []string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

func (p *planner) reportMissing(format string, args ...any) {
	p.plan.Proof.Missing = append(p.plan.Proof.Missing, fmt.Sprintf(format, args...))
}

// ofSession: a statement about the session or its transaction, which each step sets itself.
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
	return value.GetAConst() != nil || call != nil && pgparse.LastText(call.Funcname) == "set_config"
}

// splitChanges splits a statement into changes.
func splitChanges(s *rule.Stmt) []*recipe.Change {
	stmt := s.Node.GetAlterTableStmt()
	if stmt == nil || stmt.Objtype != pgparse.ObjectType_OBJECT_TABLE {
		return []*recipe.Change{{Stmt: s, Text: s.SQL}}
	}
	var out []*recipe.Change
	for i, n := range stmt.Cmds {
		out = append(out, &recipe.Change{Stmt: s, Command: n.GetAlterTableCmd(), Text: s.CommandText(i)})
	}
	return out
}

// collectFindings collects the findings about a change.
func (p *planner) collectFindings(c *recipe.Change) {
	for _, f := range p.report.Findings {
		if !isInChange(&f, c) && !isAlsoInChange(&f, c) {
			continue
		}
		switch f.Category {
		case onward.Compatibility, onward.DataLoss:
			c.Breaks = append(c.Breaks, f)
		case onward.Locking:
			c.Locks = append(c.Locks, f)
		}
		if slices.Contains(manyRows, f.Rule) && f.Severity >= onward.Warning && f.ProbablySmall == "" {
			c.Rows = append(c.Rows, f)
		}
	}
}

// manyRows are the rules that report a statement which writes many rows in one transaction.
var manyRows = []string{data.UpdateUnbatched.ID, data.DeleteUnbatched.ID, data.DeleteAll.ID, data.InsertSelectUnbatched.ID, transaction.LongWorkUnderLock.ID}

// isAlsoInChange reports whether a finding that stands for several places has one in the lines of a change.
func isAlsoInChange(f *onward.Finding, c *recipe.Change) bool {
	return slices.ContainsFunc(f.Also, func(p onward.Place) bool {
		return p.Path == c.Migration.Path && p.Line >= c.Line && p.Line <= c.EndLine
	})
}

// isInChange reports whether a finding is in the statement of a change.
func isInChange(f *onward.Finding, c *recipe.Change) bool {
	return f.Path == c.Migration.Path && f.Line >= c.Line && f.Line <= c.EndLine && (f.Line > c.Line || f.Column >= c.Column) &&
		(f.Line < c.EndLine || f.Column < c.EndColumn)
}

// phaseOrder of the phases.
var phaseOrder = map[onward.PlanPhase]int{onward.Expand: 0, onward.Backfill: 1, onward.Contract: 2}

// orderSteps orders the steps and adds them to the plan.
func (p *planner) orderSteps() {
	slices.SortStableFunc(p.steps, func(a, b recipe.Step) int { return phaseOrder[a.Phase] - phaseOrder[b.Phase] })
	p.steps = joinSteps(p.steps)
	before, ids := "", map[*onward.PlannedBackfill]string{}
	for i := range p.steps {
		s := &p.steps[i]
		out := onward.PlanStep{
			ID: fmt.Sprintf("%02d-%s", i+1, s.Phase), Phase: s.Phase, Release: 1, Class: s.Class, Why: s.Why, Check: s.Check,
			Migration: s.From.Migration.ID, Requires: []onward.Requirement{}, Effects: []onward.Effect{}, Backfill: s.Backfill, Replaces: s.Replaces,
			Bookkeeping: s.Bookkeeping, StayChanged: s.Cascades,
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
		for _, b := range s.AfterBackfills {
			id := ids[b]
			if id == "" {
				continue
			}
			out.Requires = append(out.Requires, onward.Requirement{Kind: onward.RequiresVerified, Step: id, Text: "the comparison of " + id + " found no wrong row"})
		}
		out.SQL, out.Transaction = stepSQL(s)
		out.Undo = joinLines(s.Undo)
		if len(s.Undo) > 1 && s.Class != onward.StepConcurrent && s.Class != onward.StepBackfill { // it must never be half done
			out.Undo = wrapTransaction(out.Undo)
		}
		out.Repeat = s.Class == onward.StepBackfill
		p.plan.Steps = append(p.plan.Steps, out)
		before = out.ID
	}
	if p.release.Keeps {
		p.plan.Steps = append(p.plan.Steps, onward.PlanStep{
			ID: fmt.Sprintf("%02d-%s", len(p.steps)+1, onward.Contract), Phase: onward.Contract, Release: 2, Class: onward.StepDDL,
			SQL: wrapTransaction("DROP SCHEMA IF EXISTS " + recipe.Schema + ";\n"), Transaction: onward.TransactionFile, Why: "drop the schema of the plan's own state", Bookkeeping: true, Effects: []onward.Effect{},
			Requires: []onward.Requirement{{Kind: onward.RequiresStep, Step: before, Text: before + " is done"}}, Migration: p.steps[len(p.steps)-1].From.Migration.ID,
		})
	}
	p.noteStayChanged()
}

// joinSteps merges neighbouring steps that add columns in one statement, so that one lock is
// enough.
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

// setLockTimeout limits how long others queue for a step that waits for its lock.
var setLockTimeout = fmt.Sprintf("SET LOCAL lock_timeout = '%s';\n", onward.PlanLockTimeout)

// wrapTransaction wraps statements in a transaction of their own.
func wrapTransaction(sql string) string { return "BEGIN;\n" + setLockTimeout + sql + "COMMIT;\n" }

// stepSQL returns a step's SQL.
func stepSQL(s *recipe.Step) (string, onward.Transaction) {
	if s.Class == onward.StepConcurrent || s.Class == onward.StepBackfill || s.Alone {
		return s.SQL[0] + ";\n", onward.TransactionNone
	}
	return wrapTransaction(joinLines(s.SQL)), onward.TransactionFile
}

func joinLines(list []string) string {
	var b strings.Builder
	for _, sql := range list {
		b.WriteString(strings.TrimSpace(sql) + ";\n")
	}
	return b.String()
}
