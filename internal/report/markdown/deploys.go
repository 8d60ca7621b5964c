package markdown

import (
	"fmt"
	"io"
	"strings"

	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// WriteDeploys prints an order of deploys as a comment on a pull request or an issue.
func WriteDeploys(w io.Writer, o *onward.DeployOrder) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n**onward plan --deploys**: %s\n", PlanMarker, escapeProse(view.JudgeDeploys(o)))
	for i := range o.Deploys {
		d := &o.Deploys[i]
		fmt.Fprintf(&b, "\n%d. %s %s\n", i+1, codeSpan(view.CutText(escape.Line(d.Commit), 40)), escapeProse(view.CutText(escape.Line(d.Subject), 100)))
		for _, line := range view.DescribeDeploy(o, i) {
			text := escapeProse(view.CutText(line.Text, maxCell))
			if name := strings.TrimSpace(line.Name); name != "" {
				text = "**" + name + "** " + text
			}
			b.WriteString("   - " + text + "\n")
		}
	}
	_, err := io.WriteString(w, escape.Commands(b.String()))
	return err
}
