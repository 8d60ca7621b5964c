package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

// planResults are what a plan is, what it proves and what it leaves, in words.
type planResults struct {
	title, subtitle, verdict string
	// total is what all steps cost; "" if no size is known.
	total          string
	checks         []planCheck
	missing, notes []string
	left           []leftChange
	statements     []onward.PlanStatement
}

// planCheck is a part of a plan's proof. detail says in lines why it failed; "" if it did not.
type planCheck struct {
	name, detail string
	ok           bool
}

// leftChange is a change that a plan leaves to the migrations' own tool, with the reasons. sql may have several lines; line is the
// place with the beginning of the SQL.
type leftChange struct {
	place, sql, line, chain string
	why                     []string
}

// summarizePlan returns the results of a plan.
func summarizePlan(p *onward.Plan) *planResults {
	out := &planResults{
		title: EscapeLine(p.Base) + "..." + EscapeLine(p.Head), subtitle: prose.CountNoun(len(p.Migrations), "migration") + " · " + countSteps(p),
		verdict: planVerdict(p), total: totalWords(p), missing: escapeLines(p.MissingSteps()), notes: escapeLines(p.Notes),
	}
	for _, c := range p.Proof.Checks {
		check := planCheck{name: EscapeLine(c.Name), ok: c.OK}
		if !c.OK {
			check.detail = EscapeControls(c.Detail)
		}
		out.checks = append(out.checks, check)
	}
	for i := range p.Left {
		l := &p.Left[i]
		left := leftChange{place: fmt.Sprintf("%s:%d", EscapeLine(l.Path), l.Line), sql: EscapeControls(l.SQL), chain: EscapeLine(l.Chain), why: escapeLines(l.Why)}
		left.line = left.place
		if l.SQL != "" {
			left.line += "  " + cutToWidth(EscapeLine(strings.Join(strings.Fields(l.SQL), " ")), 120)
		}
		out.left = append(out.left, left)
	}
	for _, s := range p.Statements {
		out.statements = append(out.statements, onward.PlanStatement{Name: EscapeLine(s.Name), Text: EscapeLine(s.Text), SQL: EscapeLine(s.SQL)})
	}
	return out
}

// escapeLines escapes texts, each to a line.
func escapeLines(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = EscapeLine(s)
	}
	return out
}

// listGroups lists the chains of a plan, for --only.
func listGroups(p *onward.Plan) string {
	var out []string
	for _, g := range p.Proof.Groups {
		out = append(out, fmt.Sprintf("%s (%s)", EscapeLine(g.Name), prose.CountNoun(g.Changes, "change")))
	}
	return strings.Join(out, ", ")
}

// phases are in the order in which they are run.
var phases = []onward.PlanPhase{onward.Expand, onward.Backfill, onward.Contract}

// phaseWords say when a phase is run.
var phaseWords = map[onward.PlanPhase]string{
	onward.Expand:   "before the new code is deployed",
	onward.Backfill: "in the background, beside both codes",
	onward.Contract: "in a later release, when no process of the deployed code is left",
}

// planVerdict is the last line. It names the directories that the plan leaves out.
func planVerdict(p *onward.Plan) string {
	if len(p.OtherDirs) == 0 {
		return judgePlan(p)
	}
	return fmt.Sprintf("%s Not planned, because they are for another database: the migrations in %s.", judgePlan(p), EscapeLine(prose.JoinNames(p.OtherDirs)))
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
		return fmt.Sprintf("%d of %s are proven: the steps produce their schema and rows. %d left.", proven, prose.CountNoun(all, "change"), len(p.Left))
	case p.Proof.Proven:
		return "Proven: the steps produce the schema and the rows of the migrations."
	case len(p.MissingSteps()) > 0, slices.ContainsFunc(p.Proof.Checks, func(c onward.PlanCheck) bool { return !c.OK }):
		return "Not proven: see the lines with no and missing above."
	case len(p.Left) > 0:
		return fmt.Sprintf("A sketch: no proof was made. %s left.", prose.CountNoun(len(p.Left), "change"))
	}
	return "A sketch: no proof was made."
}
