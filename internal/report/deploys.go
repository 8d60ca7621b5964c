package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

// terminalDeploys prints an order of deploys.
func terminalDeploys(w io.Writer, d *onward.DeployOrder, o Options) error {
	p := newPage(o)
	p.deployOrder(d)
	return p.writePage(w)
}

// deployOrder prints each deploy with the condition that comes before the next one.
func (p *page) deployOrder(o *onward.DeployOrder) {
	p.addLine(p.paintLine(p.Bold, deploysVerdict(o)))
	for i := range o.Deploys {
		d := &o.Deploys[i]
		p.addBlankLine()
		p.addLine(p.paintLine(p.Bold, fmt.Sprintf("deploy %d", i+1)), "  ", EscapeLine(d.Commit), "  ", cutToWidth(EscapeLine(d.Subject), p.width-30))
		for _, step := range describeDeploy(o, i) {
			p.addWrapped("  "+step.name, "            ", EscapeLine(step.text), p.ordinaryStyle())
		}
	}
}

// deployLine is a line about a deploy.
type deployLine struct{ name, text string }

// describeDeploy returns what is done in a deploy, in order, and why it ends there.
func describeDeploy(o *onward.DeployOrder, i int) (out []deployLine) {
	d := &o.Deploys[i]
	add := func(name, format string, args ...any) {
		out = append(out, deployLine{fmt.Sprintf("%-10s", name), fmt.Sprintf(format, args...)})
	}
	switch s := d.Steps; {
	case len(d.Migrations) == 0:
		add("migrate", "nothing")
	case s == nil:
		add("migrate", "%s, as written", listDeployed(d))
	default:
		add("migrate", "%s: too much for one deploy. Instead %s of onward plan %s..%s", listDeployed(d), countStepsBefore(s), d.From, d.Commit)
		for _, why := range s.Why {
			add("", "%s", why)
		}
		switch {
		case s.Proven:
			add("", "the plan is proven")
		case len(s.Missing) > 0:
			add("", "the plan is not proven: %s", strings.Join(s.Missing, "; "))
		case s.Tried:
			add("", "the plan is not proven: onward plan %s..%s says why", d.From, d.Commit)
		}
	}
	if last := i == len(o.Deploys)-1; last && (d.Steps == nil || d.Steps.Contract == 0) {
		add("roll out", "%s", d.Commit)
	} else {
		add("roll out", "%s, and wait until no process of %s is left", d.Commit, d.From)
	}
	if d.Steps != nil && d.Steps.Contract > 0 {
		add("migrate", "%s", prose.CountNoun(d.Steps.Contract, "contract step"))
	}
	for n, why := range d.Why {
		name := ""
		if n == 0 {
			name = "not yet"
		}
		add(name, "%s", why)
	}
	return out
}

// mostDeployed limits the migrations of a deploy that are listed by name.
const mostDeployed = 6

// listDeployed lists the migrations of a deploy by their names, with the directory if there is only one.
func listDeployed(d *onward.Deploy) string {
	if len(d.Migrations) == 1 {
		return d.Migrations[0].Path
	}
	names := make([]string, len(d.Migrations))
	for i := range d.Migrations {
		names[i] = ShortName(d.Migrations[i].Path)
	}
	return prose.FirstNames(names, mostDeployed)
}

// countStepsBefore counts the steps of a plan before the roll-out.
func countStepsBefore(s *onward.DeploySteps) string {
	out := prose.CountNoun(s.Expand, "expand step")
	if s.Backfill > 0 {
		out += " and " + prose.CountNoun(s.Backfill, "backfill step")
	}
	return out
}

// deploysVerdict is the first line.
func deploysVerdict(o *onward.DeployOrder) string {
	migrations, split := 0, 0
	for i := range o.Deploys {
		migrations += len(o.Deploys[i].Migrations)
		if o.Deploys[i].Steps != nil {
			split++
		}
	}
	out := fmt.Sprintf("%s..%s: %s for %s", EscapeLine(o.Base), EscapeLine(o.Head), prose.CountNoun(len(o.Deploys), "deploy"),
		prose.CountNoun(migrations, "migration"))
	if split > 0 {
		out += fmt.Sprintf(", %d of them by a plan", split)
	}
	return out + "."
}

// deploysMarkdown prints an order of deploys as a comment on a pull request or an issue.
func deploysMarkdown(w io.Writer, o *onward.DeployOrder) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n**onward plan --deploys**: %s\n", PlanMarker, escapeProse(deploysVerdict(o)))
	for i := range o.Deploys {
		d := &o.Deploys[i]
		fmt.Fprintf(&b, "\n%d. %s %s\n", i+1, codeSpan(cutText(EscapeLine(d.Commit), 40)), escapeProse(cutText(EscapeLine(d.Subject), 100)))
		for _, line := range describeDeploy(o, i) {
			text := escapeProse(cutText(EscapeLine(line.text), maxCell))
			if name := strings.TrimSpace(line.name); name != "" {
				text = "**" + name + "** " + text
			}
			b.WriteString("   - " + text + "\n")
		}
	}
	_, err := io.WriteString(w, EscapeCommands(b.String()))
	return err
}
