package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/permit"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/internal/rules/constraint"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// mostSteps limits the steps of a plan that is judged, and mostTriggers their triggers on one table: each step that writes
// the table may fire each of them.
const mostSteps, mostTriggers = 3000, 150

var triggerPattern = lazyregexp.New(`CREATE TRIGGER .* ON (\S+) FOR EACH`)

// auditSteps audits each step like a migration of its own. It records the step's effects on
// other sessions, and finds waits that grow with the size of a table.
func (p *planner) auditSteps() {
	triggers, most := map[string]int{}, 0
	for i := range p.plan.Steps {
		p.plan.Steps[i].Effects = []onward.Effect{}
		for _, match := range triggerPattern.FindAllStringSubmatch(p.plan.Steps[i].SQL, -1) {
			triggers[match[1]]++
			most = max(most, triggers[match[1]])
		}
	}
	if n := len(p.plan.Steps); n > mostSteps || most > mostTriggers {
		p.fails = true
		p.reportDoubt(p.plan.Steps[0].ID, "%d steps, with %d triggers on one table, are more than onward judges: divide the release", n, most)
		p.plan.Proof.Checks = append(p.plan.Proof.Checks, onward.PlanCheck{Name: noFindingName, Detail: p.doubts[p.plan.Steps[0].ID][0]})
		return
	}
	severity, stops := map[string]onward.Severity{}, map[string]bool{}
	for _, r := range rules.All() {
		severity[r.ID], stops[r.ID] = r.Severity, r.Stops
	}
	e := rule.NewEngine(rule.Config{
		Rules:       rules.All(),
		Versions:    p.release.Versions,
		Severity:    severity,
		Bookkeeping: all.HistoryTableNames(),
	}, p.release.Deployed)
	e.Release().Known = true
	read, judged, contract := true, map[string]bool{}, p.plan.Contract()
	var known, head usableNames // from the first step of the contract on
	for i := range p.plan.Steps {
		s := &p.plan.Steps[i]
		if i == contract {
			known, head = listUsableNames(e.Catalog(), nil), listUsableNames(p.changes[len(p.changes)-1].After, nil)
		}
		judged[s.ID] = i < len(p.steps) && p.steps[i].Judged
		if err := permit.CheckStep(s, s.Class); err != nil {
			p.reportDoubt(s.ID, "onward apply refuses step %s: %v", s.ID, err)
		}
		if err := permit.CheckText(permit.UndoClass(s.Class), s.Undo); err != nil {
			p.reportDoubt(s.ID, "onward abort refuses to undo step %s: %v", s.ID, err)
		}
		built, err := script.BuildScript(script.Source{
			Text:        s.SQL,
			Parts:       []script.Part{{SQL: s.SQL, Line: 1, Column: 1}},
			Mode:        onward.TransactionNone,
			LineComment: "--",
		})
		if err != nil || slices.ContainsFunc(built.Statements, func(st *script.Statement) bool { return st.Err != nil }) {
			p.reportDoubt(s.ID, "step %s cannot be read again", s.ID)
			read = false
			continue
		}
		m := &rule.Migration{ID: s.ID, Path: s.ID, Mode: onward.TransactionNone, Status: onward.StatusNew, Script: built}
		schema := e.Catalog()
		e.JudgeMigration(m)
		p.measureStep(s, m)
		if known != nil {
			p.refuseLateNames(s, known, head, schema, e.Catalog())
		}
	}
	var bad []string
	findings, _ := e.Finish()
	// If the release itself does not fail on old rows, somebody gives them their values between the phases, as a note says.
	refusesOldRows := slices.ContainsFunc(p.report.Findings, func(f onward.Finding) bool { return f.Rule == constraint.RefusesOldRows.ID })
	for i := range findings {
		f := &findings[i]
		p.found[f.Path] = append(p.found[f.Path], f.Rule)
		if f.Severity == onward.Error && stops[f.Rule] && (refusesOldRows || f.Rule != constraint.RefusesOldRows.ID) {
			p.fails = true
			bad = append(bad, fmt.Sprintf("step %s: %s", f.Path, f.Fact))
			p.doubts[f.Path] = append(p.doubts[f.Path], bad[len(bad)-1])
			continue
		}
		if f.Severity == onward.Error && (f.Category == onward.Locking && !judged[f.Path] || f.Category == onward.InTransaction) {
			p.bad[f.Path] = true
			bad = append(bad, fmt.Sprintf("step %s has no safe form here: %s (%s)", f.Path, f.Fact, f.Rule))
			p.doubts[f.Path] = append(p.doubts[f.Path], bad[len(bad)-1])
		}
	}
	check := onward.PlanCheck{Name: noFindingName, OK: read && len(bad) == 0, Detail: strings.Join(bad, "\n")}
	p.plan.Proof.Checks = append(p.plan.Proof.Checks, check)
}

const noFindingName = "no step has a finding"

// measureStep records what a step does to other sessions, and what it costs.
func (p *planner) measureStep(s *onward.PlanStep, m *rule.Migration) {
	touched := map[string]*catalog.Relation{}
	s.Effects, s.Duration = p.stepEffects(m, touched)
	p.estimateStep(s, touched)
	recompileFunctions(s, m, touched)
	if columns := findRetypedColumns(m, touched); len(columns) > 0 {
		s.CachedPlans = &onward.CachedPlans{Columns: columns}
	}
}

// stepEffects returns what a step does to objects from before the plan, with the strongest lock
// of each relation, and how long that takes. It adds the deployed relations to a map, by their names in the step.
func (p *planner) stepEffects(m *rule.Migration, touched map[string]*catalog.Relation) (out []onward.Effect, duration string) {
	out = []onward.Effect{}
	indexByRelation := map[string]int{}
	for _, s := range m.Statements {
		var results []effect.Result
		for _, g := range s.Results {
			results = append(results, g.Result)
		}
		if len(results) == 0 {
			continue
		}
		worst := effect.MergeResults(results)
		felt := worst.PublicEffects()
		for i := range felt {
			// Nobody else uses an object that the plan itself made.
			rel := p.release.Deployed.Relation(worst.Effects[i].OID)
			felt[i].New = felt[i].New || rel == nil && worst.Effects[i].OID != 0
			if rel != nil {
				touched[felt[i].Relation] = rel
			}
		}
		if p.measure != nil {
			duration = longerDuration(duration, p.measure(felt, &worst))
		}
		for _, e := range felt {
			n, found := indexByRelation[e.Relation]
			if !found {
				indexByRelation[e.Relation] = len(out)
				out = append(out, e)
				continue
			}
			e.Work, e.EstimateMS = max(e.Work, out[n].Work), e.EstimateMS+out[n].EstimateMS
			e.RowLocks = e.RowLocks || out[n].RowLocks
			if e.Lock <= out[n].Lock {
				e.Lock, e.Blocks = out[n].Lock, out[n].Blocks
			}
			out[n] = e
		}
	}
	return out, duration
}

// longerDuration returns the longer of two durations.
func longerDuration(a, b string) string {
	order := []string{"", "instant", "grows", "waits"}
	return order[max(slices.Index(order, a), slices.Index(order, b))]
}
