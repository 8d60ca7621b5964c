package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// mostProofs limits the proofs that look for the chains that fail.
const mostProofs = 16

// proveChains proves a plan. If it fails, proveChains looks for the chains that fail, and returns a proven plan of the others; if
// there is none, it returns the plan with the checks that failed. ready completes each plan before its proof.
func (r *proofs) proveChains(src *source, p *planner, left map[*chain][]string, ready func(*planner) error) (*planner, error) {
	if err := r.provePlan(p); err != nil || p.passesChecks() || len(p.chains) < 2 || p.isBlocked() || r.fails || r.config.skipSearch {
		return p, err
	}
	s := &search{proofs: r, source: src, ready: ready, whole: p, left: left, why: map[*chain][]string{}}
	best, err := s.proveHalves(splitChains(p, p.chains))
	if err != nil || best == nil {
		return p, err
	}
	maps.Copy(s.why, left)
	best.setLeftReasons(s.why)
	return best, nil
}

// search looks for the largest part of a plan that is proven.
type search struct {
	*proofs
	source *source
	ready  func(*planner) error
	// whole is the plan of all chains, which fails.
	whole *planner
	// left are the chains that the plan leaves anyway. why has the reasons of those that fail.
	left, why map[*chain][]string
	tried     int
}

// findProven returns a proven plan of some chains of a set; nil if it finds none.
func (s *search) findProven(set []*chain) (*planner, error) {
	p, err := s.proveSet(set)
	if err != nil || p == nil || p.passesChecks() {
		return p, err
	}
	if len(set) == 1 {
		if extendedSet := s.addExtensionChains(set); len(extendedSet) > 1 {
			if p, err := s.proveSet(extendedSet); err != nil || p != nil && p.passesChecks() {
				return p, err
			}
		}
		for _, failed := range p.describeFailedChecks() {
			s.why[set[0]] = append(s.why[set[0]], "the proof of its steps fails "+failed)
		}
		return nil, nil //nolint:nilnil // there is none, and why is recorded
	}
	return s.proveHalves(splitChains(p, set))
}

// describeFailedChecks returns "(CHECK): DETAIL" for each failed check of a plan's proof.
func (p *planner) describeFailedChecks() (out []string) {
	for _, c := range p.plan.Proof.Checks {
		if !c.OK {
			out = append(out, fmt.Sprintf("(%s): %s", c.Name, c.Detail))
		}
	}
	return out
}

// splitChains splits the chains of a plan that fails: into those that its failed checks name and the others, or else into halves.
func splitChains(p *planner, set []*chain) (first, second []*chain) {
	namedChains := p.findFailingChains()
	for _, c := range set {
		if slices.Contains(namedChains, c) {
			second = append(second, c)
		} else {
			first = append(first, c)
		}
	}
	if len(first) == 0 || len(second) == 0 {
		return set[:len(set)/2], set[len(set)/2:]
	}
	return first, second
}

// findFailingChains returns the chains that failed checks name: by the ID of a step, or else by the chain's own name, or else by a
// relation of a step.
func (p *planner) findFailingChains() (out []*chain) {
	var details strings.Builder
	for _, c := range p.plan.Proof.Checks {
		if !c.OK {
			details.WriteString(c.Detail + "\n")
		}
	}
	words := map[string]bool{}
	for _, word := range namePattern.FindAllString(strings.ReplaceAll(details.String(), `"`, ""), -1) {
		words[word] = true
	}
	find := func(isNamed func(s *onward.PlanStep) bool) {
		for i := range p.plan.Steps {
			if c := p.chainOfStep(i); c != nil && !slices.Contains(out, c) && isNamed(&p.plan.Steps[i]) {
				out = append(out, c)
			}
		}
	}
	if find(func(s *onward.PlanStep) bool { return words[s.ID] }); len(out) > 0 {
		return out
	}
	for _, c := range p.chains {
		if words[c.name[strings.LastIndexByte(c.name, '.')+1:]] {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		find(func(s *onward.PlanStep) bool {
			return slices.ContainsFunc(s.Effects, func(e onward.Effect) bool { return words[e.Relation] })
		})
	}
	return out
}

// namePattern finds the IDs of steps and the qualified names of relations in the detail of a check.
var namePattern = lazyregexp.New(`[\pL\pN_$][\pL\pN_$.-]*[\pL\pN_$]`)

// proveHalves returns a proven plan of two sets of chains that fail together. If each is proven alone, both are proven again: a busy
// machine can fail one proof by chance.
func (s *search) proveHalves(first, second []*chain) (*planner, error) {
	a, err := s.findProven(first)
	if err != nil {
		return nil, err
	}
	b, err := s.findProven(second)
	if err != nil || a == nil {
		return b, err
	}
	if b == nil {
		return a, nil
	}
	p, err := s.proveSet(addChains(a.chains, b.chains))
	if err != nil || p != nil && p.passesChecks() {
		return p, err
	}
	reason := "its steps are proven alone, and fail together with the steps of other chains"
	if p != nil {
		reason += " " + strings.Join(p.describeFailedChecks(), "; ")
	}
	if len(b.chains) > len(a.chains) {
		a, b = b, a
	}
	for _, c := range b.chains {
		if slices.Contains(a.chains, c) {
			continue
		}
		s.why[c] = []string{reason}
	}
	return a, nil
}

// addChains adds chains to a set.
func addChains(set, more []*chain) []*chain {
	out := slices.Clone(set)
	for _, c := range more {
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// addExtensionChains adds the chains that only create extensions. Which of them a chain needs is not known: an operator class or a
// function of an extension is in no migration.
func (s *search) addExtensionChains(set []*chain) []*chain {
	other := map[*chain]bool{}
	for _, t := range s.whole.parts {
		if t.isCode() || t.statement.Node.GetCreateExtensionStmt() == nil {
			other[s.whole.chainOf[t.partKey]] = true
		}
	}
	return addChains(set, slices.DeleteFunc(slices.Clone(s.whole.chains), func(c *chain) bool { return other[c] }))
}

// proveSet proves a plan of some chains; nil if too many were tried.
func (s *search) proveSet(set []*chain) (*planner, error) {
	if s.tried++; s.tried > mostProofs {
		for _, c := range set {
			s.why[c] = []string{"a proof with its steps failed, and onward stopped looking for the change that fails"}
		}
		return nil, nil //nolint:nilnil // there is none, and why is recorded
	}
	left := maps.Clone(s.left)
	for _, c := range s.whole.chains {
		if !slices.Contains(set, c) {
			left[c] = nil
		}
	}
	p := s.source.buildPlan(left)
	if err := s.ready(p); err != nil {
		return nil, err
	}
	return p, s.provePlan(p)
}
