package plan

import (
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/onward"
)

// sealPlan records which steps were tried together, and gives the plan its digest. At present all steps of a plan are
// one group.
func sealPlan(p *onward.Plan) (err error) {
	p.Proof.Groups = nil
	if len(p.Steps) > 0 {
		g := onward.PlanGroup{Proven: p.Proof.Proven}
		for i := range p.Steps {
			g.Steps = append(g.Steps, p.Steps[i].ID)
		}
		p.Proof.Groups = []onward.PlanGroup{g}
	}
	p.Digest, err = ledger.PlanDigest(p)
	return err
}
