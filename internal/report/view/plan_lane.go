package view

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/readiness"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

// Measures of a deploy lane. Widths are weights: a step that takes an instant has the weight 1.
const (
	// gateWeight is the part of a lane between two phases, as a share of the weight of all steps. A release of one step has
	// at least leastGate.
	gateWeight, leastGate = 0.16, 1.5
	// unknownWeight is for work whose duration nobody knows.
	unknownWeight = 6.0
	// maxStepRows is how many steps have a row of their own. A plan with more steps has a row for each chain.
	maxStepRows = 40
)

// PlanLane is a plan along the deploy: which code runs when, and the steps below it. All places are percentages.
type PlanLane struct {
	// Deploy is the place of the new code's deploy. Gone is the place from which no process of the deployed code may be left; 100 if the plan
	// has no contract step.
	Deploy, Gone float64
	// DeployAfter and GoneBefore are the IDs of the steps on both sides; "" if there is none.
	DeployAfter, GoneBefore string
	Phases                  []LanePhase
	// ByChain: a row is a chain and not a step.
	ByChain bool
	Rows    []LaneRow
}

// LanePhase is where the steps of a phase are.
type LanePhase struct {
	Name        onward.PlanPhase
	From, Until float64
}

// LaneRow is a step, a chain or a change that the plan leaves.
type LaneRow struct {
	Name, Text string
	// Chain is the chain of a step, if the plan has several.
	Chain string
	// Facts are the size and the costs.
	Facts string
	// Left: the plan leaves the change.
	Left  bool
	Marks []LaneMark
}

// LaneMark is a step in a row.
type LaneMark struct {
	Step        *onward.PlanStep // nil for a change that the plan leaves
	From, Until float64
	// Class is "instant", "long", "blocks" or "left".
	Class string
}

// NewPlanLane places the steps of a plan along its deploy.
func NewPlanLane(p *onward.Plan) *PlanLane {
	ready := readiness.JudgePlan(p)
	l := &PlanLane{Gone: 100, DeployAfter: escape.Line(ready.DeployAfter), GoneBefore: escape.Line(ready.GoneBefore)}
	var steps []*onward.PlanStep
	for i := range p.Steps {
		if !p.Steps[i].Bookkeeping {
			steps = append(steps, &p.Steps[i])
		}
	}
	first := slices.IndexFunc(steps, func(s *onward.PlanStep) bool { return s.Phase == onward.Contract })
	if first < 0 {
		first = len(steps)
	}
	marks := l.placeMarks(p, steps, first)
	chains := chainsOfSteps(p)
	if len(steps) > maxStepRows && len(p.Proof.Groups) > 1 {
		l.ByChain = true
		l.addChainRows(p, marks, chains)
	} else {
		l.addStepRows(marks, chains)
	}
	l.addLeftRows(p, marks[len(steps):])
	for i := range l.Rows {
		r := &l.Rows[i]
		r.Name, r.Text, r.Chain = escape.Line(r.Name), escape.Line(r.Text), escape.Line(r.Chain)
	}
	return l
}

// placeMarks gives each step its place, and then each change that the plan leaves: these run at the deploy. first is the index of
// the first contract step.
func (l *PlanLane) placeMarks(p *onward.Plan, steps []*onward.PlanStep, first int) []LaneMark {
	weights := make([]float64, len(steps))
	total := 0.0
	for i, s := range steps {
		weights[i] = stepWeight(s)
		total += weights[i]
	}
	gate := max(gateWeight*total, leastGate)
	total += 2 * gate
	marks := make([]LaneMark, 0, len(steps)+len(p.Left))
	x := 0.0
	take := func(weight float64) (from, until float64) {
		from, x = x, x+100*weight/total
		return from, x
	}
	place := func(s *onward.PlanStep, weight float64) {
		from, until := take(weight)
		marks = append(marks, LaneMark{Step: s, From: from, Until: until, Class: stepClass(s)})
		if n := len(l.Phases); n == 0 || l.Phases[n-1].Name != s.Phase {
			l.Phases = append(l.Phases, LanePhase{Name: s.Phase, From: from})
		}
		l.Phases[len(l.Phases)-1].Until = until
	}
	for i, s := range steps[:first] {
		place(s, weights[i])
	}
	leftFrom, leftUntil := take(gate)
	l.Deploy = leftUntil
	take(gate)
	if first < len(steps) {
		l.Gone = x
	}
	for i, s := range steps[first:] {
		place(s, weights[first+i])
	}
	for range p.Left {
		marks = append(marks, LaneMark{From: leftFrom + (leftUntil-leftFrom)/4, Until: leftUntil - (leftUntil-leftFrom)/8, Class: "left"})
	}
	return marks
}

// stepWeight returns the width of a step in a lane: long work is wider, by a root of its duration, so that hours leave room for minutes.
func stepWeight(s *onward.PlanStep) float64 {
	if !IsLongStep(s) {
		return 1
	}
	ms := stepMilliseconds(s)
	if ms <= 0 {
		return unknownWeight
	}
	return 2 + math.Pow(float64(ms)/60_000, 0.4)
}

// stepMilliseconds returns the estimated duration of a step; 0 if it is not known.
func stepMilliseconds(s *onward.PlanStep) int64 {
	if s.Estimate != nil {
		return s.Estimate.MS
	}
	var ms int64
	for _, e := range ListNoticeable(s.Effects) {
		ms += e.EstimateMS
	}
	return ms
}

// IsLongStep reports whether the duration of a step grows with a table.
func IsLongStep(s *onward.PlanStep) bool {
	return s.Repeat || s.Class == onward.StepValidate || s.Class == onward.StepConcurrent || s.Duration == "grows"
}

// MakesOthersWait reports whether a step blocks other sessions, or writers of the same rows, for as long as a table is big. A lock that is held for
// an instant does not count.
func MakesOthersWait(s *onward.PlanStep) bool {
	if s.Duration != "grows" || s.Repeat {
		return false
	}
	return slices.ContainsFunc(ListNoticeable(s.Effects), func(e onward.Effect) bool { return len(e.Blocks) > 0 || e.RowLocks })
}

func stepClass(s *onward.PlanStep) string {
	switch {
	case MakesOthersWait(s):
		return "blocks"
	case IsLongStep(s):
		return "long"
	}
	return "instant"
}

// chainsOfSteps returns the chain of each step; an empty map if the plan has only one.
func chainsOfSteps(p *onward.Plan) map[string]string {
	out := map[string]string{}
	if len(p.Proof.Groups)+len(p.Left) < 2 {
		return out
	}
	for i := range p.Proof.Groups {
		for _, id := range p.Proof.Groups[i].Steps {
			out[id] = p.Proof.Groups[i].Name
		}
	}
	return out
}

// addStepRows gives each step a row.
func (l *PlanLane) addStepRows(marks []LaneMark, chains map[string]string) {
	for i := range marks {
		if s := marks[i].Step; s != nil {
			l.Rows = append(l.Rows, LaneRow{Name: s.ID, Text: s.Why, Chain: chains[s.ID], Facts: stepFacts(s), Marks: marks[i : i+1]})
		}
	}
}

// addChainRows gives each chain a row.
func (l *PlanLane) addChainRows(p *onward.Plan, marks []LaneMark, chains map[string]string) {
	rowByChain := map[string]int{}
	tried := slices.ContainsFunc(p.Proof.Groups, func(g onward.PlanGroup) bool { return g.Proven })
	for i := range p.Proof.Groups {
		g := &p.Proof.Groups[i]
		row := LaneRow{Name: g.Name, Text: prose.CountNoun(g.Changes, "change")}
		if tried && !g.Proven {
			row.Text += ", not proven"
		}
		rowByChain[g.Name] = len(l.Rows)
		l.Rows = append(l.Rows, row)
	}
	for i := range marks {
		s := marks[i].Step
		if s == nil {
			continue
		}
		n, known := rowByChain[chains[s.ID]]
		if !known {
			n = len(l.Rows)
			rowByChain[chains[s.ID]] = n
			l.Rows = append(l.Rows, LaneRow{Name: cmp.Or(chains[s.ID], "other steps")})
		}
		l.Rows[n].Marks = append(l.Rows[n].Marks, marks[i])
	}
	for i := range l.Rows {
		r := &l.Rows[i]
		var list []*onward.PlanStep
		for _, m := range r.Marks {
			list = append(list, m.Step)
		}
		if r.Text != "" {
			r.Text += " · "
		}
		r.Text += prose.CountNoun(len(list), "step")
		r.Facts = sumFacts(list)
	}
}

// addLeftRows gives each change that the plan leaves a row.
func (l *PlanLane) addLeftRows(p *onward.Plan, marks []LaneMark) {
	for i := range p.Left {
		left := &p.Left[i]
		l.Rows = append(l.Rows, LaneRow{
			Name: "left", Text: fmt.Sprintf("%s:%d runs as it is written, by its own tool", left.Path, left.Line), Chain: left.Chain, Left: true, Marks: marks[i : i+1],
		})
	}
}
