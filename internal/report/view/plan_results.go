package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/readiness"
	"github.com/onward-sql/onward/internal/report/block"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/internal/undo"
	"github.com/onward-sql/onward/onward"
)

// PlanResults are what a plan is, what it proves and what it leaves, in words.
type PlanResults struct {
	Title, Subtitle, Verdict string
	// Readiness says when the new code may be deployed; "" for a plan without steps, and for one that is known not to be right.
	Readiness string
	// Total is what all steps cost; "" if no size is known.
	Total          string
	Checks         []PlanCheck
	Missing, Notes []string
	Left           []LeftChange
	Statements     []onward.PlanStatement
}

// PlanCheck is a part of a plan's proof. Detail says in lines why it failed; "" if it did not.
type PlanCheck struct {
	Name, Detail string
	OK           bool
}

// LeftChange is a change that a plan leaves to the migrations' own tool, with the reasons. SQL may have several lines; Line is the
// place with the beginning of the SQL.
type LeftChange struct {
	Place, SQL, Line, Chain string
	Why                     []string
}

// SummarizePlan returns the results of a plan.
func SummarizePlan(p *onward.Plan) *PlanResults {
	out := &PlanResults{
		Title: escape.Line(p.Base) + "..." + escape.Line(p.Head), Subtitle: prose.CountNoun(len(p.Migrations), "migration") + " · " + countSteps(p),
		Verdict: planVerdict(p), Total: DescribeTotal(p), Missing: escape.Lines(p.MissingSteps()), Notes: escape.Lines(p.Notes),
	}
	if len(p.Steps) > 0 && len(out.Missing) == 0 && !slices.ContainsFunc(p.Proof.Checks, func(c onward.PlanCheck) bool { return !c.OK }) {
		out.Readiness = escape.Line(readiness.JudgePlan(p).Text)
	}
	for _, c := range p.Proof.Checks {
		check := PlanCheck{Name: escape.Line(c.Name), OK: c.OK}
		if !c.OK {
			check.Detail = escape.Controls(c.Detail)
		}
		out.Checks = append(out.Checks, check)
	}
	for i := range p.Left {
		l := &p.Left[i]
		left := LeftChange{
			Place: fmt.Sprintf("%s:%d", escape.Line(l.Path), l.Line), SQL: escape.Controls(l.SQL), Chain: escape.Line(l.Chain), Why: escape.Lines(l.Why),
		}
		left.Line = left.Place
		if l.SQL != "" {
			left.Line += "  " + CutToWidth(escape.Line(strings.Join(strings.Fields(l.SQL), " ")), 120)
		}
		out.Left = append(out.Left, left)
	}
	for _, s := range p.Statements {
		out.Statements = append(out.Statements, onward.PlanStatement{Name: escape.Line(s.Name), Text: escape.Line(s.Text), SQL: escape.Line(s.SQL)})
	}
	return out
}

// ListPlanResults lists what a plan proves, what its proof lacks, and what it leaves.
func ListPlanResults(r *PlanResults) block.List {
	var out []block.Item
	toLines := func(lines []string) (out []block.Line) {
		for _, text := range lines {
			out = append(out, block.Line{Text: block.Say(text)})
		}
		return out
	}
	for _, c := range r.Checks {
		item := block.Item{Label: "ok", Text: block.Say(c.Name)}
		if !c.OK {
			item = block.Item{Label: "no", Text: block.Say(c.Name), Tone: block.Error, Below: toLines(strings.Split(strings.TrimSuffix(c.Detail, "\n"), "\n"))}
		}
		out = append(out, item)
	}
	for _, m := range r.Missing {
		out = append(out, block.Item{Label: "missing", Text: block.Say(m), Tone: block.Warning})
	}
	for _, l := range r.Left {
		text := block.Text{}.Code(l.Place).Gap()
		if l.SQL != "" {
			text = text.Cut(l.SQL, 120).Gap()
		}
		out = append(out, block.Item{Label: "left", Text: text.Say("(chain " + l.Chain + ")"), Tone: block.Warning, Below: toLines(l.Why)})
	}
	return block.List{Depth: 1, Width: len("ok"), Items: out}
}

// ListGroups lists the chains of a plan, for --only.
func ListGroups(p *onward.Plan) string {
	var out []string
	for _, g := range p.Proof.Groups {
		out = append(out, fmt.Sprintf("%s (%s)", escape.Line(g.Name), prose.CountNoun(g.Changes, "change")))
	}
	return strings.Join(out, ", ")
}

// PlanPhases are in the order in which they are run.
var PlanPhases = []onward.PlanPhase{onward.Expand, onward.Backfill, onward.Contract}

// PhaseWords say when a phase is run.
var PhaseWords = map[onward.PlanPhase]string{
	onward.Expand:   "before the new code is deployed",
	onward.Backfill: "in the background, beside both codes",
	onward.Contract: "in a later release, when no process of the deployed code is left",
}

// planVerdict is the last line. It names the directories that the plan leaves out.
func planVerdict(p *onward.Plan) string {
	if len(p.OtherDirs) == 0 {
		return judgePlan(p)
	}
	return fmt.Sprintf("%s Not planned, because they are for another database: the migrations in %s.", judgePlan(p), escape.Line(prose.JoinNames(p.OtherDirs)))
}

// describeUncompared says why the proof of a plan did not compare rows; "" if it did.
func describeUncompared(p *onward.Plan) string {
	if p.Proof.Rows == "" {
		return ""
	}
	return " Rows were not compared, because " + escape.Line(p.Proof.Rows) + "."
}

// judgePlan says how far a plan is proven.
func judgePlan(p *onward.Plan) string {
	switch {
	case len(p.Steps) == 0 && len(p.Left) == 0:
		return "There is nothing to plan."
	case len(p.Steps) == 0:
		return fmt.Sprintf("Nothing is planned: %s left.", prose.CountNoun(len(p.Left), "change"))
	case len(p.Left) > 0 && p.ProvesSteps():
		proven, all := p.CountChanges()
		comparedParts, uncompared := "schema and rows", describeUncompared(p)
		if uncompared != "" {
			comparedParts = "schema"
		}
		return fmt.Sprintf("%d of %s are proven: the steps produce their %s. %d left.%s", proven, prose.CountNoun(all, "change"), comparedParts,
			len(p.Left), uncompared)
	case p.Proof.Proven && p.Proof.Rows != "":
		return "Proven: the schema." + describeUncompared(p)
	case p.Proof.Proven:
		return "Proven: the steps produce the schema and the rows of the migrations."
	case len(p.MissingSteps()) > 0, slices.ContainsFunc(p.Proof.Checks, func(c onward.PlanCheck) bool { return !c.OK }):
		return "Not proven: see the lines with no and missing above."
	case len(p.Left) > 0:
		return fmt.Sprintf("A sketch: no proof was made. %s left.", prose.CountNoun(len(p.Left), "change"))
	}
	return "A sketch: no proof was made."
}

// batch is roughly how many rows one batch of a backfill has.
const batch = 1000

// LockTimeout is for how long a step waits for a lock.
var LockTimeout = fmt.Sprintf("%g s", onward.PlanLockTimeout.Seconds())

// DescribeStepTime says how long a step takes, and how it affects others.
func DescribeStepTime(s *onward.PlanStep) string {
	var relation string
	var ms, rows int64
	blocks := false
	effects := ListNoticeable(s.Effects) // nobody waits for new relations
	for i := range effects {
		e := &effects[i]
		if e.Work != onward.NoWork || e.RowLocks {
			relation = cmp.Or(relation, ShortenRelation(e.Relation))
			rows = max(rows, e.Rows)
		}
		ms += e.EstimateMS
		blocks = blocks || len(e.Blocks) > 0
	}
	duration := "grows with " + cmp.Or(relation, "the table")
	if ms > 0 {
		duration = FormatEstimate(ms)
	}
	switch {
	case s.Repeat && s.Estimate != nil:
		return fmt.Sprintf("%s in the background: %s, some %s a run", estimatedTime(s.Estimate), size.FormatCount(s.Estimate.Rows)+" rows", GroupDigits(batch))
	case s.Repeat && rows > 0:
		return fmt.Sprintf("in the background, some %s rows a run: about %s runs, %s of work", GroupDigits(batch), size.FormatCount((rows+batch-1)/batch),
			strings.TrimPrefix(duration, "about "))
	case s.Repeat:
		return fmt.Sprintf("in the background, some %s rows a run; %s", GroupDigits(batch), duration)
	case s.Class == onward.StepValidate:
		return duration + "; reads and writes go on"
	case s.Class == onward.StepConcurrent:
		return duration + "; it waits for open transactions, and reads and writes go on"
	case s.Duration == "grows" && blocks:
		return duration + ", and others wait for as long"
	case s.Duration == "grows":
		return duration
	case blocks:
		return "an instant; if it gets no lock within " + LockTimeout + ", it stops: run it again"
	}
	return "an instant"
}

// dropsRows finds statements that remove values or rows.
var dropsRows = lazyregexp.New(`(?i)\b(?:DROP\s+(?:TABLE|COLUMN|MATERIALIZED|SCHEMA|SEQUENCE)|DELETE|TRUNCATE)\b`)

// DescribeUndo says how a step is undone: in words, or as lines of SQL.
func DescribeUndo(s *onward.PlanStep) (words string, sql []string) {
	lines := StripTransaction(strings.TrimRight(s.Undo, "\n"))
	switch {
	case len(s.StayChanged) > 0 && s.Phase != onward.Contract:
		return escape.Line(undo.DescribeChanged(s.StayChanged)) + ": no old value is kept", lines
	case s.Undo != "":
		return "", lines
	case s.Class == onward.StepValidate:
		return "not needed: it leaves nothing", nil
	case s.Bookkeeping:
		return "not needed: it is the plan's own state", nil
	case s.Phase == onward.Contract && dropsRows.MatchString(s.SQL):
		return "none: the dropped data is gone", nil
	case s.Phase == onward.Contract:
		return "none: make what it drops again, in a later release", nil
	case s.Phase == onward.Backfill:
		return "not needed: the undo of earlier steps removes what it wrote", nil
	}
	return "not needed: it is harmless if left", nil
}

// ListRequirements lists what must be true before a step runs, besides the completion of the
// previous step. listedRequirements are those that an earlier step already printed.
func ListRequirements(s *onward.PlanStep, listedRequirements map[string]bool) []string {
	var out []string
	for _, r := range s.Requires {
		switch {
		case r.Kind == onward.RequiresCheck:
			out = append(out, "no row is found by: "+escape.Line(strings.TrimSuffix(s.Check, ";")))
		case r.Kind != onward.RequiresStep && !listedRequirements[r.Text]:
			listedRequirements[r.Text] = true
			out = append(out, escape.Line(r.Text))
		}
	}
	return out
}

// mostLines is how many lines of a step's SQL are printed without -v. A trigger's function has more.
const mostLines = 8

// ListStepLines returns the lines of a step's SQL that a reader needs: of a backfill the work on one batch, without the
// cursor, and of long SQL the first lines. whole returns all lines.
func ListStepLines(s *onward.PlanStep, whole bool) []string {
	if s.Repeat && s.Backfill != nil && !whole {
		return StripTransaction(s.Backfill.Work)
	}
	lines := StripTransaction(s.SQL)
	if !whole && len(lines) > mostLines {
		lines = append(lines[:mostLines/2:mostLines/2], fmt.Sprintf("… %s (-v shows all)", prose.CountNoun(len(lines)-mostLines/2, "more line")))
	}
	return lines
}

// countSteps counts the steps of a plan, and those that only keep the plan's own state.
func countSteps(p *onward.Plan) string {
	bookkeepingCount := 0
	for i := range p.Steps {
		if p.Steps[i].Bookkeeping {
			bookkeepingCount++
		}
	}
	if bookkeepingCount == 0 {
		return prose.CountNoun(len(p.Steps), "step")
	}
	return prose.CountNoun(len(p.Steps)-bookkeepingCount, "step") + fmt.Sprintf(", and %d for the plan's own state", bookkeepingCount)
}

// StripTransaction returns the lines of a step's SQL without its transaction.
func StripTransaction(sql string) []string {
	var out []string
	for line := range strings.Lines(sql) {
		text := strings.TrimRight(line, "\n")
		if text != "BEGIN;" && text != "COMMIT;" && !strings.HasPrefix(text, "SET LOCAL ") {
			out = append(out, text)
		}
	}
	return out
}
