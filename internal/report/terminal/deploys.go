package terminal

import (
	"fmt"
	"io"

	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// WriteDeploys prints an order of deploys.
func WriteDeploys(w io.Writer, d *onward.DeployOrder, o Options) error {
	p := newPage(o)
	p.deployOrder(d)
	return p.writePage(w)
}

// deployOrder prints each deploy with the condition that comes before the next one.
func (p *page) deployOrder(o *onward.DeployOrder) {
	p.addLine(p.paintLine(p.Bold, view.JudgeDeploys(o)))
	for i := range o.Deploys {
		d := &o.Deploys[i]
		p.addBlankLine()
		p.addLine(p.paintLine(p.Bold, fmt.Sprintf("deploy %d", i+1)), "  ", escape.Line(d.Commit), "  ", view.CutToWidth(escape.Line(d.Subject), p.width-30))
		for _, step := range view.DescribeDeploy(o, i) {
			p.addWrapped("  "+step.Name, "            ", step.Text, p.ordinaryStyle())
		}
	}
}
