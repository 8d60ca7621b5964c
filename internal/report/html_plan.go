package report

import (
	"bytes"
	"cmp"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// htmlPlan is a plan as a page: the written migrations on one side, the planned steps on the
// other, and the differences above both.
type htmlPlan struct {
	CSP                                  string
	CSS                                  template.CSS
	JS                                   template.JS
	Title, Subtitle, Tone, Mark, Verdict string
	Count                                int
	Compared                             []htmlCompared
	Deploy                               *htmlDeploy
	Migrations                           []htmlPlanned
	Phases                               []htmlPlanPhase
	Checks                               []htmlCheck
	Missing, Notes                       []string
	Left                                 []htmlLeft
	Statements                           []onward.PlanStatement
}

// htmlLeft is a change that the plan leaves, with the reasons.
type htmlLeft struct {
	Place, SQL string
	Why        []string
}

// htmlCompared is one question about the release, answered for the written and the planned
// form.
type htmlCompared struct{ Name, Before, After, BeforeTone, AfterTone string }

// htmlPlanned is a migration that the plan replaces, number N.
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
	Costs                            []stepCost
	UndoWords, Undo                  string
}

type htmlCheck struct{ Word, Tone, Name, Detail string }

// PlanHTML prints a plan as one page next to the release that it replaces. r is the report on
// that release.
func PlanHTML(w io.Writer, p *onward.Plan, r *onward.Report) error {
	t, err := pageTemplate()
	if err != nil {
		return err
	}
	v := newHTMLPlan(p, r)
	css := pageCSS() + lightRules(v.Count)
	js := pageJS()
	v.CSS, v.JS, v.CSP = template.CSS(css), template.JS(js), contentPolicy(css, js)
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "plan", v); err != nil {
		return fmt.Errorf("make the page: %w", err)
	}
	_, err = io.WriteString(w, escapeHTMLCommands(b.String()))
	return err
}

func newHTMLPlan(p *onward.Plan, r *onward.Report) *htmlPlan {
	v := &htmlPlan{
		Title: EscapeLine(p.Base) + "..." + EscapeLine(p.Head), Subtitle: CountNoun(len(p.Migrations), "migration") + " · " + countSteps(p),
		Verdict: planVerdict(p), Tone: "warning", Mark: "sketch", Count: len(p.Migrations),
	}
	switch {
	case p.Proof.Proven:
		v.Tone, v.Mark = "ok", "proven"
	case len(p.Left) > 0 && p.ProvesSteps():
		v.Mark = "partly proven"
	}
	v.compareForms(p, r)
	v.Deploy = newHTMLDeploy(p, nil)
	from := map[string]int{}
	for i, m := range p.Migrations {
		from[m.ID] = i + 1
		v.Migrations = append(v.Migrations, buildPlanned(r, m, i+1))
	}
	told := map[string]bool{}
	for _, phase := range phases {
		out := htmlPlanPhase{Name: string(phase), When: phaseWords[phase]}
		for i := range p.Steps {
			if s := &p.Steps[i]; s.Phase == phase && !s.Bookkeeping {
				out.Steps = append(out.Steps, inPageStep(s, from, told))
			}
		}
		if len(out.Steps) > 0 {
			v.Phases = append(v.Phases, out)
		}
	}
	for _, c := range p.Proof.Checks {
		out := htmlCheck{"ok", "ok", EscapeLine(c.Name), ""}
		if !c.OK {
			out.Word, out.Tone, out.Detail = "no", "error", EscapeControls(c.Detail)
		}
		v.Checks = append(v.Checks, out)
	}
	for _, m := range p.MissingSteps() {
		v.Missing = append(v.Missing, EscapeLine(m))
	}
	for i := range p.Left {
		l := &p.Left[i]
		out := htmlLeft{Place: fmt.Sprintf("%s:%d", EscapeLine(l.Path), l.Line), SQL: EscapeControls(l.SQL)}
		for _, why := range l.Why {
			out.Why = append(out.Why, EscapeLine(why))
		}
		v.Left = append(v.Left, out)
	}
	for _, n := range p.Notes {
		v.Notes = append(v.Notes, EscapeLine(n))
	}
	for _, s := range p.Statements {
		v.Statements = append(v.Statements, onward.PlanStatement{Name: EscapeLine(s.Name), Text: EscapeLine(s.Text), SQL: EscapeLine(s.SQL)})
	}
	return v
}

// compareForms answers for both forms who waits, whose code breaks, and whether the release can
// be undone.
func (v *htmlPlan) compareForms(p *onward.Plan, r *onward.Report) {
	ask := func(name, good, bad, doubtful, after string, safe bool, categories ...onward.Category) {
		c := htmlCompared{Name: name, Before: good, BeforeTone: "ok", After: after, AfterTone: "ok"}
		if n := countPlaces(r, onward.Error, categories); n > 0 {
			c.Before, c.BeforeTone = CountNoun(n, "place")+" "+bad, "error"
		} else if n := countPlaces(r, onward.Warning, categories); n > 0 {
			c.Before, c.BeforeTone = CountNoun(n, "place")+" "+doubtful, "warning"
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
				contract = cmp.Or(contract, s.ID)
			}
		} else if s.Undo != "" {
			undo++
		}
		for _, e := range noticeableEffects(s.Effects) {
			if len(e.Blocks) > 0 && s.Duration == "grows" && e.Work != onward.NoWork {
				long++
				break
			}
		}
	}
	waits := "nobody for longer than a lock's timeout of " + lockTimeout
	if long > 0 {
		waits = CountNoun(long, "step") + " for as long as a table is big"
	}
	ask("who waits", "nobody for long", "for as long as tables are big", "that may make others wait", waits, long == 0, onward.Locking, onward.InTransaction)
	until := "works throughout"
	if contract != "" {
		until = "works until " + contract + ", which waits until it is gone"
	}
	ask("deployed code", "works", "in which it breaks, or loses data", "in which it may break, or lose data", until, true, onward.Compatibility, onward.DataLoss)
	back := CountNoun(undo, "step") + " can be taken back"
	if contract != "" {
		back += ", up to " + contract
	}
	v.Compared = append(v.Compared, htmlCompared{Name: "undo", Before: "another release", After: back, AfterTone: "ok"})
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

// buildPlanned returns a migration as it was written.
func buildPlanned(r *onward.Report, m onward.PlannedMigration, n int) htmlPlanned {
	out := htmlPlanned{N: n, Path: EscapeLine(m.Path), Name: EscapeLine(ShortName(m.Path)), Tone: "ok"}
	for i := range r.Migrations {
		mig := &r.Migrations[i]
		if mig.Path != m.Path || mig.ID != m.ID {
			continue
		}
		out.How = transactionWords(mig)
		for s := range mig.Statements {
			st := &mig.Statements[s]
			one := htmlStatement{Line: strconv.Itoa(st.Line), Whole: strings.TrimSpace(EscapeControls(st.SQL)), Who: "nobody", Note: EscapeLine(st.Note)}
			(&htmlBuilder{}).setExpected(&one, mig, s)
			out.Statements = append(out.Statements, one)
		}
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Path != m.Path || f.Severity < onward.Warning {
			continue
		}
		out.Findings = append(out.Findings, htmlMention{f.Line, f.Severity.String(), EscapeLine(f.Fact)})
		if f.Severity == onward.Error {
			out.Tone = "error"
		}
	}
	return out
}

func inPageStep(s *onward.PlanStep, from map[string]int, told map[string]bool) htmlStep {
	out := htmlStep{
		N:      from[s.Migration],
		ID:     EscapeLine(s.ID),
		From:   EscapeLine(s.Migration),
		Why:    EscapeLine(s.Why),
		Takes:  stepTime(s),
		Before: stepBefore(s, told),
		Costs:  stepCosts(s),
	}
	wait := makesOthersWait(s)
	out.SQL = EscapeControls(strings.Join(stepLines(s, false), "\n"))
	if s.Repeat {
		out.Until = "it is repeated, and committed each time, until no row is left"
	}
	for _, e := range noticeableEffects(s.Effects) {
		out.Locks = append(out.Locks, htmlLock{
			Relation: shortRelation(e.Relation),
			Lock:     e.Lock.String(),
			Work:     cmp.Or(nameWork(&e), "—"),
			Who:      describeBlocked(e.Blocks),
			Blocks:   blockedBy(&e),
		})
		if lock := &out.Locks[len(out.Locks)-1]; !wait && lock.Who != "nobody" {
			lock.Who, lock.Blocks = "nobody", lock.Blocks+", for an instant" // a safe step has no alarming colour
		}
	}
	words, sql := stepUndo(s)
	out.UndoWords, out.Undo = words, EscapeControls(strings.Join(linesWithoutTransaction(sql), "\n"))
	return out
}
