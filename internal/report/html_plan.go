package report

import (
	"bytes"
	"cmp"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// htmlPlan is a plan as a page: what was written on one side, what is run instead on the
// other, and above both what becomes otherwise.
type htmlPlan struct {
	CSP                                  string
	CSS                                  template.CSS
	JS                                   template.JS
	Title, Subtitle, Tone, Mark, Verdict string
	Count                                int
	Compared                             []htmlCompared
	Migrations                           []htmlPlanned
	Phases                               []htmlPlanPhase
	Checks                               []htmlCheck
	Missing, Notes                       []string
	Statements                           []onward.PlanStatement
}

// htmlCompared is one question about the release as it is written, and as it is planned.
type htmlCompared struct{ Name, Before, After, BeforeTone, AfterTone string }

// htmlPlanned is a migration that the plan takes the place of, number N.
type htmlPlanned struct {
	N                     int
	Path, Name, How, Tone string
	Statements            []htmlStatement
	Findings              []htmlMention
}

type htmlPlanPhase struct {
	Name, When string
	Steps      []htmlStep
}

// htmlStep is a step of a plan; N is the number of the migration that it comes from.
type htmlStep struct {
	N                                int
	ID, From, Why, SQL, Takes, Until string
	Locks                            []htmlLock
	Before                           []string
	UndoWords, Undo                  string
}

type htmlCheck struct{ Word, Tone, Name, Detail string }

// PlanHTML prints a plan as one page beside the release that it takes the place of, which the
// report is of.
func PlanHTML(w io.Writer, p *onward.Plan, r *onward.Report) error {
	t, err := pageTemplate()
	if err != nil {
		return err
	}
	v := newHTMLPlan(p, r)
	css := pageCSS() + lightRules(v.Count)
	js := pageJS()
	v.CSS, v.JS, v.CSP = template.CSS(css), template.JS(js), policy(css, js)
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "plan", v); err != nil {
		return fmt.Errorf("make the page: %w", err)
	}
	_, err = io.WriteString(w, tameHTML(b.String()))
	return err
}

func newHTMLPlan(p *onward.Plan, r *onward.Report) *htmlPlan {
	v := &htmlPlan{
		Title: Line(p.Base) + "..." + Line(p.Head), Subtitle: Count(len(p.Migrations), "migration") + " · " + Count(len(p.Steps), "step"),
		Verdict: planVerdict(p), Tone: "warning", Mark: "sketch", Count: len(p.Migrations),
	}
	if p.Proof.Proven {
		v.Tone, v.Mark = "ok", "proven"
	}
	v.compared(p, r)
	from := map[string]int{}
	for i, m := range p.Migrations {
		from[m.ID] = i + 1
		v.Migrations = append(v.Migrations, planned(r, m, i+1))
	}
	told := map[string]bool{}
	for _, phase := range phases {
		out := htmlPlanPhase{Name: string(phase), When: phaseWords[phase]}
		for i := range p.Steps {
			if s := &p.Steps[i]; s.Phase == phase {
				out.Steps = append(out.Steps, inPageStep(s, from, told))
			}
		}
		if len(out.Steps) > 0 {
			v.Phases = append(v.Phases, out)
		}
	}
	for _, c := range p.Proof.Checks {
		out := htmlCheck{"ok", "ok", Line(c.Name), ""}
		if !c.OK {
			out.Word, out.Tone, out.Detail = "no", "error", Visible(c.Detail)
		}
		v.Checks = append(v.Checks, out)
	}
	for _, m := range p.Proof.Missing {
		v.Missing = append(v.Missing, Line(m))
	}
	for _, n := range p.Notes {
		v.Notes = append(v.Notes, Line(n))
	}
	for _, s := range p.Statements {
		v.Statements = append(v.Statements, onward.PlanStatement{Name: Line(s.Name), Text: Line(s.Text), SQL: Line(s.SQL)})
	}
	return v
}

// compared asks of both who waits, whose code breaks, and whether there is a way back.
func (v *htmlPlan) compared(p *onward.Plan, r *onward.Report) {
	count := map[onward.Category]int{}
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Severity == onward.Error {
			count[f.Category]++
		}
	}
	ask := func(name string, n int, bad, good, after string, safe bool) {
		c := htmlCompared{Name: name, Before: good, BeforeTone: "ok", After: after, AfterTone: "ok"}
		if n > 0 {
			c.Before, c.BeforeTone = Count(n, "place")+" "+bad, "error"
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
			contract = cmp.Or(contract, s.ID)
		} else if s.Undo != "" {
			undo++
		}
		for _, e := range existing(s.Effects) {
			if len(e.Blocks) > 0 && s.Duration == "grows" && e.Work != onward.NoWork {
				long++
				break
			}
		}
	}
	waits := "nobody for longer than a lock's timeout of " + lockTimeout
	if long > 0 {
		waits = Count(long, "step") + " for as long as a table is big"
	}
	ask("who waits", count[onward.Locking]+count[onward.InTransaction], "for as long as tables are big", "nobody for long", waits, long == 0)
	until := "works throughout"
	if contract != "" {
		until = "works up to " + contract + ", which waits until it is gone"
	}
	ask("deployed code", count[onward.Compatibility]+count[onward.DataLoss], "where it breaks, or loses data", "works", until, true)
	back := Count(undo, "step") + " can be taken back"
	if contract != "" {
		back += ", up to " + contract
	}
	v.Compared = append(v.Compared, htmlCompared{Name: "the way back", Before: "another release", After: back, AfterTone: "ok"})
}

// planned is a migration as it was written.
func planned(r *onward.Report, m onward.PlannedMigration, n int) htmlPlanned {
	out := htmlPlanned{N: n, Path: Line(m.Path), Name: Line(ShortName(m.Path)), Tone: "ok"}
	for i := range r.Migrations {
		mig := &r.Migrations[i]
		if mig.Path != m.Path || mig.ID != m.ID {
			continue
		}
		out.How = transactionWords(mig)
		for s := range mig.Statements {
			st := &mig.Statements[s]
			one := htmlStatement{Line: strconv.Itoa(st.Line), Whole: strings.TrimSpace(Visible(st.SQL)), Who: "nobody", Note: Line(st.Note)}
			(&htmlBuilder{}).expected(&one, mig, s)
			out.Statements = append(out.Statements, one)
		}
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Path != m.Path || f.Severity < onward.Warning {
			continue
		}
		out.Findings = append(out.Findings, htmlMention{f.Line, f.Severity.String(), Line(f.Fact)})
		if f.Severity == onward.Error {
			out.Tone = "error"
		}
	}
	return out
}

func inPageStep(s *onward.PlanStep, from map[string]int, told map[string]bool) htmlStep {
	out := htmlStep{N: from[s.Migration], ID: Line(s.ID), From: Line(s.Migration), Why: Line(s.Why), Takes: stepTime(s), Before: stepBefore(s, told)}
	out.SQL = Visible(strings.Join(inner(s.SQL), "\n"))
	if s.Repeat {
		out.Until = "it is run, and committed, again and again until it returns 0"
	}
	for _, e := range existing(s.Effects) {
		out.Locks = append(out.Locks, htmlLock{Relation: relation(e.Relation), Lock: e.Lock.String(), Work: cmp.Or(worked(&e), "—"), Who: who(e.Blocks), Blocks: kept(&e)})
	}
	words, sql := stepUndo(s)
	out.UndoWords, out.Undo = words, Visible(strings.Join(inner(sql), "\n"))
	return out
}
