package plan

import (
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/onward"
)

// seal says which steps were tried together, and gives the plan its digest. Today all steps of a plan are one group.
func seal(p *onward.Plan) (err error) {
	p.Proof.Groups = nil
	if len(p.Steps) > 0 {
		g := onward.PlanGroup{Proven: p.Proof.Proven}
		for i := range p.Steps {
			g.Steps = append(g.Steps, p.Steps[i].ID)
		}
		p.Proof.Groups = []onward.PlanGroup{g}
	}
	p.Digest, err = ledger.Digest(p)
	return err
}
