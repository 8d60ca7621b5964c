package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/fault"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rules/column"
	"github.com/onward-sql/onward/internal/rules/data"
	"github.com/onward-sql/onward/internal/rules/release"
	"github.com/onward-sql/onward/internal/rules/transaction"
	"github.com/onward-sql/onward/internal/undo"
	"github.com/onward-sql/onward/onward"
)

// planner builds a plan.
type planner struct {
	report  *onward.Report
	release *recipe.Release
	plan    *onward.Plan
	// parts are what the plan takes, and chains are their groups. chainOf has the chains by part, keys the parts by change.
	parts   []*part
	chains  []*chain
	chainOf map[partKey]*chain
	keys    map[*recipe.Change]partKey
	changes []*recipe.Change
	steps   []recipe.Step
	// blocked are the reasons why no chain can be proven.
	blocked []string
	// unsolved are changes without a safe form. bad are steps in which the audit finds something.
	// found are the rules with findings, and doubts the reasons why a step is not proven, by step ID.
	unsolved map[*recipe.Change]bool
	bad      map[string]bool
	found    map[string][]string
	doubts   map[string][]string
	// fails: a server refuses a step when the steps run in order. tried: the plan was run on a server.
	fails, tried bool
	measure      measure
	estimates    estimator // nil: sizes are not asked for
}

// measure is [audit.Release.Measure].
type measure = func([]onward.Effect, *audit.Result) string

// planChange returns the steps of a change. A panic costs the steps of this change only.
func planChange(c *recipe.Change) (steps *recipe.Steps) {
	defer func() {
		if r := recover(); r != nil {
			steps = &recipe.Steps{Missing: []string{fmt.Sprintf("%s:%d is not planned: %s", c.Migration.Path, c.Line, fault.FromPanic(r))}}
		}
	}()
	return recipe.PlanChange(c)
}

// runRecipes runs the recipes, after all changes are known to each of them.
func (p *planner) runRecipes() {
	p.release.ComposeChanges(p.changes)
	for _, c := range p.changes {
		result := planChange(c)
		if t := analysis.ManagedTable(c.Before, c.Result.Effects); t != nil {
			result.Missing = append(result.Missing, fmt.Sprintf("%s is %s: no recipe is proven for such a table", t.Name, t.Manager))
		}
		isLater := p.chainOf[p.keys[c]].later[p.keys[c]]
		if isLater && len(result.Steps) > 0 {
			result.Notes = appendUnique(result.Notes, []string{"code of the release may write rows that other changes need: these come after it, in contract"})
		}
		for i := range result.Steps {
			result.Steps[i].From = c
			if isLater {
				result.Steps[i].Phase = onward.Contract
			}
		}
		p.addResult(result)
		p.unsolved[c] = len(result.Missing) > 0
		p.partOf(c).missing = appendUnique(p.partOf(c).missing, result.Missing)
	}
	p.addResult(p.release.SoftDeleteSteps())
}

// partOf returns the part of a change.
func (p *planner) partOf(c *recipe.Change) *part {
	return p.parts[slices.IndexFunc(p.parts, func(t *part) bool { return t.change == c })]
}

// addResult adds the result of a recipe to the plan.
func (p *planner) addResult(result *recipe.Steps) {
	p.steps = append(p.steps, result.Steps...)
	p.plan.Proof.Missing = appendUnique(p.plan.Proof.Missing, result.Missing)
	p.plan.Notes = appendUnique(p.plan.Notes, result.Notes)
	p.plan.Statements = append(p.plan.Statements, result.Says...)
}

// appendUnique appends the sentences that are not in the list yet.
func appendUnique(list, more []string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// blockProof records why no part of the plan can be proven.
func (p *planner) blockProof(format string, args ...any) {
	p.blocked = append(p.blocked, fmt.Sprintf(format, args...))
	p.plan.Proof.Missing = append(p.plan.Proof.Missing, p.blocked[len(p.blocked)-1])
}

// reportDoubt records why a step cannot be proven.
func (p *planner) reportDoubt(step, format string, args ...any) {
	reasons := []string{fmt.Sprintf(format, args...)}
	p.doubts[step] = appendUnique(p.doubts[step], reasons)
	p.plan.Proof.Missing = appendUnique(p.plan.Proof.Missing, reasons)
}

// collectFindings collects the findings about a change. The commands of a statement, which may be thousands, share their lists.
func (p *planner) collectFindings(c *recipe.Change) {
	if n := len(p.parts); n > 0 && p.parts[n-1].change != nil && p.parts[n-1].change.Stmt == c.Stmt {
		last := p.parts[n-1].change
		c.Breaks, c.Locks, c.Rows, c.Copies, c.Renames = slices.Clip(last.Breaks), slices.Clip(last.Locks), slices.Clip(last.Rows), slices.Clip(last.Copies), nil
		return
	}
	for i := range p.report.Findings {
		f := &p.report.Findings[i]
		if !isInChange(f, c) && !isAlsoInChange(f, c) || f.Rule == column.TypeCompiled.ID { // recompileFunctions is its fix
			continue
		}
		switch f.Category {
		case onward.Compatibility, onward.DataLoss:
			c.Breaks = append(c.Breaks, *f)
		case onward.Locking:
			c.Locks = append(c.Locks, *f)
		}
		addByRule(c, f)
	}
}

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

// manyRows are the rules that report a statement which writes many rows in one transaction.
var manyRows = []string{data.UpdateUnbatched.ID, data.DeleteUnbatched.ID, data.DeleteAll.ID, data.InsertSelectUnbatched.ID, transaction.LongWorkUnderLock.ID}

// addByRule adds a finding to the lists of a change that depend on the rule.
func addByRule(c *recipe.Change, f *onward.Finding) {
	if slices.Contains(manyRows, f.Rule) && f.Severity >= onward.Warning && f.ProbablySmall == "" {
		c.Rows = append(c.Rows, *f)
	}
	switch f.Rule {
	case release.CopyWithoutSync.ID:
		c.Copies = append(c.Copies, *f)
	case data.ValueRenamed.ID:
		c.Renames = append(c.Renames, *f)
	}
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
			ID: fmt.Sprintf("%02d-%s", i+1, s.Phase), Phase: s.Phase, Release: 1, Class: s.Class, Why: s.Why, Check: s.Check, Marks: s.Marks,
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
			if id == "" || len(b.Compare) == 0 {
				continue
			}
			out.Requires = append(out.Requires, onward.Requirement{Kind: onward.RequiresVerified, Step: id, Text: "the comparison of " + id + " found no wrong row"})
		}
		out.SQL, out.Transaction = stepSQL(s)
		out.Undo = joinStatements(s.Undo)
		if len(s.Undo) > 1 && s.Class != onward.StepConcurrent && s.Class != onward.StepBackfill { // it must never be half done
			out.Undo = wrapTransaction(out.Undo)
		}
		out.Repeat = s.Class == onward.StepBackfill
		p.plan.Steps = append(p.plan.Steps, out)
		before = out.ID
	}
	if p.release.Keeps && len(p.steps) > 0 {
		p.plan.Steps = append(p.plan.Steps, onward.PlanStep{
			ID: fmt.Sprintf("%02d-%s", len(p.steps)+1, onward.Contract), Phase: onward.Contract, Release: 2, Class: onward.StepDDL,
			SQL: wrapTransaction(recipe.DropSchema), Transaction: onward.TransactionFile, Why: "drop the schema of the plan's own state", Bookkeeping: true, Effects: []onward.Effect{},
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
	return wrapTransaction(joinStatements(s.SQL)), onward.TransactionFile
}

func joinStatements(list []string) string {
	var b strings.Builder
	for _, sql := range list {
		b.WriteString(strings.TrimSpace(sql) + ";\n")
	}
	return b.String()
}

// noteStayChanged says which rows an abort of the plan does not restore. After the contract there is no abort.
func (p *planner) noteStayChanged() {
	var all []string
	for i, changed := range undo.StayChanged(p.plan) {
		if s := &p.plan.Steps[i]; s.Phase != onward.Contract {
			s.StayChanged = changed
			all = append(all, changed...)
		}
	}
	slices.Sort(all)
	if words := undo.DescribeChanged(slices.Compact(all)); words != "" {
		p.plan.Notes = append(p.plan.Notes, "if the plan is aborted, "+words+": no old value is kept")
	}
}
