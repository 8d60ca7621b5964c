package plan

import (
	"slices"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/onward"
)

// finalizePlan records which chains are proven, and gives the plan its digest.
func (p *planner) finalizePlan() (err error) {
	p.noteCachedPlans()
	proof := &p.plan.Proof
	passed := p.tried && p.passesChecks()
	proof.Proven = passed && len(proof.Missing) == 0
	proof.Groups = nil
	if len(p.plan.Steps) > 0 {
		proof.Groups = p.groupSteps(passed)
	}
	p.plan.Digest, err = ledger.PlanDigest(p.plan)
	return err
}

// passesChecks reports whether a plan passed all checks that were made.
func (p *planner) passesChecks() bool {
	return !slices.ContainsFunc(p.plan.Proof.Checks, func(c onward.PlanCheck) bool { return !c.OK })
}

// setLeftReasons sets the reasons for what the plan leaves.
func (p *planner) setLeftReasons(reasonsByChain map[*chain][]string) {
	names := map[string][]string{}
	for c, list := range reasonsByChain {
		names[c.name] = list
	}
	for i := range p.plan.Left {
		l := &p.plan.Left[i]
		if len(l.Why) == 0 { // code has its own reason
			l.Why = names[l.Chain]
		}
		p.plan.Proof.Missing = appendUnique(p.plan.Proof.Missing, l.Why)
	}
}

// isBlocked reports whether a plan cannot be proven although nothing was left: a part has no safe form.
func (p *planner) isBlocked() bool {
	return len(p.blocked) > 0 || slices.ContainsFunc(p.chains, p.isUnplanned)
}
