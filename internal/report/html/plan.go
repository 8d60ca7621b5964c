package html

import (
	"cmp"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// pagePlan is a plan as a page: the written migrations on one side, the planned steps on the
// other, and the differences above both.
type pagePlan struct {
	CSP                                             string
	CSS                                             template.CSS
	JS                                              template.JS
	Title, Subtitle, Tone, Mark, Verdict, Readiness string
	Count                                           int
	Compared                                        []pageCompared
	Deploy                                          *pageDeploy
	Migrations                                      []pagePlanned
	Phases                                          []pagePlanPhase
	Checks                                          []pageCheck
	Missing, Notes                                  []string
	Left                                            []pageLeft
	Statements                                      []onward.PlanStatement
}

// pageLeft is a change that the plan leaves, with the reasons.
type pageLeft struct {
	Place, SQL string
	Why        []string
}

// pageCompared is one question about the release, answered for the written and the planned
// form.
type pageCompared struct{ Name, Before, After, BeforeTone, AfterTone string }

// pagePlanned is a migration that the plan replaces, number N.
type pagePlanned struct {
	N                     int
	Path, Name, How, Tone string
	Statements            []pageStatement
	Findings              []pageMention
}

type pagePlanPhase struct {
	Name, When string
	Steps      []pageStep
}

// pageStep is a step of a plan; N is the number of the migration that it comes from.
type pageStep struct {
	N                                int
	ID, From, Why, SQL, Takes, Until string
	Locks                            []pageLock
	Before                           []string
	Costs                            []view.StepCost
	UndoWords, Undo                  string
}

type pageCheck struct{ Word, Tone, Name, Detail string }

// WritePlan prints a plan as one page next to the release that it replaces. r is the report on
// that release.
func WritePlan(w io.Writer, p *onward.Plan, r *onward.Report) error {
	v := newPlanPage(p, r)
	css := pageCSS() + highlightCSS(v.Count)
	js := pageJS()
	v.CSS, v.JS, v.CSP = template.CSS(css), template.JS(js), contentPolicy(css, js)
	return executePage(w, "plan", v)
}

func newPlanPage(p *onward.Plan, r *onward.Report) *pagePlan {
	results := view.SummarizePlan(p)
	v := &pagePlan{
		Title: results.Title, Subtitle: results.Subtitle, Verdict: results.Verdict, Readiness: results.Readiness,
		Tone: "warning", Mark: "sketch", Count: len(p.Migrations),
		Missing: results.Missing, Notes: results.Notes, Statements: results.Statements,
	}
	switch {
	case p.Proof.Proven:
		v.Tone, v.Mark = "ok", "proven"
	case len(p.Left) > 0 && p.ProvesSteps():
		v.Mark = "partly proven"
	}
	v.compareForms(p, r)
	v.Deploy = newPageDeploy(p, nil)
	from := map[string]int{}
	for i, m := range p.Migrations {
		from[m.ID] = i + 1
		v.Migrations = append(v.Migrations, buildPlannedMigration(r, m, i+1))
	}
	listedRequirements := map[string]bool{}
	for _, phase := range view.PlanPhases {
		out := pagePlanPhase{Name: string(phase), When: view.PhaseWords[phase]}
		for i := range p.Steps {
			if s := &p.Steps[i]; s.Phase == phase && !s.Bookkeeping {
				out.Steps = append(out.Steps, newPageStep(s, from, listedRequirements))
			}
		}
		if len(out.Steps) > 0 {
			v.Phases = append(v.Phases, out)
		}
	}
	for _, c := range results.Checks {
		out := pageCheck{"ok", "ok", c.Name, c.Detail}
		if !c.OK {
			out.Word, out.Tone = "no", "error"
		}
		v.Checks = append(v.Checks, out)
	}
	for _, l := range results.Left {
		v.Left = append(v.Left, pageLeft{l.Place, l.SQL, l.Why})
	}
	return v
}

// compareForms answers for both forms who waits, whose code breaks, and whether the release can
// be undone.
func (v *pagePlan) compareForms(p *onward.Plan, r *onward.Report) {
	ask := func(name, good, bad, doubtful, after string, safe bool, categories ...onward.Category) {
		c := pageCompared{Name: name, Before: good, BeforeTone: "ok", After: after, AfterTone: "ok"}
		if n := countPlaces(r, onward.Error, categories); n > 0 {
			c.Before, c.BeforeTone = prose.CountNoun(n, "place")+" "+bad, "error"
		} else if n := countPlaces(r, onward.Warning, categories); n > 0 {
			c.Before, c.BeforeTone = prose.CountNoun(n, "place")+" "+doubtful, "warning"
		}
		if !safe {
			c.AfterTone = "warning"
		}
		v.Compared = append(v.Compared, c)
	}
	long, undo, contract := 0, 0, ""
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Phase == onward.Contract {
			if !s.Bookkeeping {
				contract = cmp.Or(contract, escape.Line(s.ID))
			}
		} else if s.Undo != "" {
			undo++
		}
		for _, e := range view.ListNoticeable(s.Effects) {
			if len(e.Blocks) > 0 && s.Duration == "grows" && e.Work != onward.NoWork {
				long++
				break
			}
		}
	}
	waits := "nobody for longer than a lock's timeout of " + view.LockTimeout
	if long > 0 {
		waits = prose.CountNoun(long, "step") + " for as long as a table is big"
	}
	ask("who waits", "nobody for long", "for as long as tables are big", "that may make others wait", waits, long == 0, onward.Locking, onward.InTransaction)
	until := "works throughout"
	if contract != "" {
		until = "works until " + contract + ", which waits until it is gone"
	}
	ask("deployed code", "works", "in which it breaks, or loses data", "in which it may break, or lose data", until, true, onward.Compatibility, onward.DataLoss)
	back := prose.CountNoun(undo, "step") + " can be taken back"
	if contract != "" {
		back += ", up to " + contract
	}
	v.Compared = append(v.Compared, pageCompared{Name: "undo", Before: "another release", After: back, AfterTone: "ok"})
}

// countPlaces counts the findings of some categories that have a severity.
func countPlaces(r *onward.Report, severity onward.Severity, categories []onward.Category) int {
	n := 0
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Severity == severity && slices.Contains(categories, f.Category) {
			n++
		}
	}
	return n
}

// buildPlannedMigration returns a migration as it was written.
func buildPlannedMigration(r *onward.Report, m onward.PlannedMigration, n int) pagePlanned {
	out := pagePlanned{N: n, Path: escape.Line(m.Path), Name: escape.Line(view.ShortName(m.Path)), Tone: "ok"}
	for i := range r.Migrations {
		mig := &r.Migrations[i]
		if mig.Path != m.Path || mig.ID != m.ID {
			continue
		}
		out.How = view.DescribeTransaction(mig)
		for s := range mig.Statements {
			st := &mig.Statements[s]
			statement := pageStatement{Line: strconv.Itoa(st.Line), Whole: strings.TrimSpace(escape.Controls(st.SQL)), Who: "nobody", Note: escape.Line(st.Note)}
			(&pageBuilder{}).setExpected(&statement, mig, s)
			out.Statements = append(out.Statements, statement)
		}
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Path != m.Path || f.Severity < onward.Warning {
			continue
		}
		out.Findings = append(out.Findings, pageMention{f.Line, f.Severity.String(), escape.Line(f.Fact)})
		if f.Severity == onward.Error {
			out.Tone = "error"
		}
	}
	return out
}

func newPageStep(s *onward.PlanStep, from map[string]int, listedRequirements map[string]bool) pageStep {
	out := pageStep{
		N:      from[s.Migration],
		ID:     escape.Line(s.ID),
		From:   escape.Line(s.Migration),
		Why:    escape.Line(s.Why),
		Takes:  view.DescribeStepTime(s),
		Before: view.ListRequirements(s, listedRequirements),
		Costs:  view.ListStepCosts(s),
	}
	wait := view.MakesOthersWait(s)
	out.SQL = escape.Controls(strings.Join(view.ListStepLines(s, false), "\n"))
	if s.Repeat {
		out.Until = "it is repeated, and committed each time, until no row is left"
	}
	for _, e := range view.ListNoticeable(s.Effects) {
		lock := newPageLock(&e)
		if !wait && lock.Who != "nobody" {
			lock.Who, lock.Blocks = "nobody", lock.Blocks+", for an instant" // a safe step has no alarming colour
		}
		out.Locks = append(out.Locks, lock)
	}
	words, lines := view.DescribeUndo(s)
	out.UndoWords, out.Undo = words, escape.Controls(strings.Join(lines, "\n"))
	return out
}
