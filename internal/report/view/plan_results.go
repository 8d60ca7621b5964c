package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/readiness"
	"github.com/onward-sql/onward/internal/report/block"
	"github.com/onward-sql/onward/internal/report/escape"
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
