package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// deployFormats are the formats of an order of deploys.
var deployFormats = []Format{FormatTerminal, FormatJSON, FormatMarkdown}

// DeployFormats returns the formats that [WriteDeploys] knows.
func DeployFormats() []Format { return deployFormats }

// WriteDeploys prints an order of deploys.
func WriteDeploys(w io.Writer, f Format, o *onward.DeployOrder, options Options) error {
	switch f {
	case FormatJSON:
		return writeJSON(w, o)
	case FormatMarkdown:
		_, err := io.WriteString(w, EscapeCommands(deploysMarkdown(o)))
		return err
	}
	p := newPage(options)
	p.deployOrder(o)
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
		add("migrate", "%s", CountNoun(d.Steps.Contract, "contract step"))
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
	var names []string
	for i := range d.Migrations[:min(len(d.Migrations), mostDeployed)] {
		names = append(names, ShortName(d.Migrations[i].Path))
	}
	out := strings.Join(names, ", ")
	if n := len(d.Migrations) - mostDeployed; n > 0 {
		out += fmt.Sprintf(" and %d more", n)
	}
	return out
}

// countStepsBefore counts the steps of a plan before the roll-out.
func countStepsBefore(s *onward.DeploySteps) string {
	out := CountNoun(s.Expand, "expand step")
	if s.Backfill > 0 {
		out += " and " + CountNoun(s.Backfill, "backfill step")
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
	out := fmt.Sprintf("%s..%s: %s for %s", EscapeLine(o.Base), EscapeLine(o.Head), CountNoun(len(o.Deploys), "deploy"), CountNoun(migrations, "migration"))
	if split > 0 {
		out += fmt.Sprintf(", %d of them by a plan", split)
	}
	return out + "."
}

// deploysMarkdown returns an order of deploys as a comment on a pull request or an issue.
func deploysMarkdown(o *onward.DeployOrder) string {
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
	return b.String()
}
