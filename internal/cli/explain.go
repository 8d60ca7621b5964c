package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/terminal"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/internal/rules/tools/page"
)

func (a *app) newExplainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain RULE",
		Short: "explain a rule: the hazard, an example, the safe version",
		Long: `Explains a rule. RULE is a rule's name, a part of it that no other rule has, or squawk's name
for the same hazard.`,
		Example: `  onward explain index-create-blocking
  onward explain enum-recreate`,
		Args: checkArguments(1, 1, "the name of one rule"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, r := range page.ListAll() {
				names = append(names, r.ID+"\t"+r.Summary)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			format, options, err := a.outputOptions(report.FormatTerminal, report.FormatMarkdown)
			if err != nil {
				return err
			}
			p, err := rulePage(args[0])
			if err != nil {
				return err
			}
			return a.writeResult(func(w io.Writer) error {
				text := p.FormatMarkdown()
				if format == report.FormatTerminal {
					text = formatExplanation(p, options)
				}
				_, err := io.WriteString(w, text)
				return err
			})
		},
	}
}

func rulePage(name string) (*page.Page, error) {
	r, err := findRule(name)
	if err != nil {
		return nil, err
	}
	return page.OfRule(r)
}

// mostNamed is how many rules are listed if several have a name as a part.
const mostNamed = 8

// findRule returns the rule with a name, a part of one, or another tool's name.
func findRule(name string) (*rule.Rule, error) {
	var names, parts []string
	var part *rule.Rule
	for _, r := range page.ListAll() {
		if r.ID == name {
			return r, nil
		}
		names = append(names, r.ID)
		if isPartOfID(r.ID, name) {
			part, parts = r, append(parts, r.ID)
		}
	}
	if ownRule := rules.FindRule(rules.RuleElsewhere(name)); ownRule != nil {
		return ownRule, nil
	}
	suggestion := config.Nearest(name, names)
	switch {
	case len(parts) == 1:
		return part, nil
	case len(parts) > mostNamed:
		return nil, newUsageError("%q is part of %d rules; onward rules %s lists them", name, len(parts), name)
	case len(parts) > 1:
		return nil, newUsageError("%q is part of several rules: %s", name, strings.Join(parts, ", "))
	case suggestion != "":
		return nil, newUsageError("unknown rule %q: did you mean %s?", name, suggestion)
	}
	return nil, newUsageError("unknown rule %q; onward rules lists them", name)
}

// isPartOfID reports whether consecutive words of a rule's name are equal to a part.
func isPartOfID(id, part string) bool {
	return part != "" && strings.Contains("-"+id+"-", "-"+strings.Trim(part, "-")+"-")
}

// pageWidth is how wide a rule's page is set: easy to read, and no wider than the screen.
func pageWidth(o report.Options) int {
	if o.Width > 0 {
		return min(max(o.Width, 60), 80)
	}
	return 80
}

// formatExplanation is a rule's page for the terminal.
func formatExplanation(p *page.Page, o report.Options) string {
	style := terminal.NewPalette(o.Color)
	var b strings.Builder
	paragraph := func(text string) {
		b.WriteString(ansi.Wrap(strings.TrimSpace(text), pageWidth(o), " ") + "\n")
	}
	head := func(text string) { b.WriteString("\n" + style.Bold.Render(text) + "\n") }
	sql := func(text string) {
		for _, line := range strings.Split(text, "\n") {
			b.WriteString(strings.TrimRight("  "+line, " ") + "\n")
		}
	}
	r := p.Rule
	b.WriteString(style.Severity(r.Severity).Render(r.Severity.String()) + "  " + style.Bold.Render(r.ID) + "\n")
	paragraph(r.Summary)
	head("what happens")
	paragraph(r.Harm)
	head("instead")
	paragraph(r.Instead)
	for _, note := range p.Notes {
		b.WriteString("\n")
		paragraph(note)
	}
	shown, schema := p.ExamplePair(), ""
	if o.Verbose {
		shown, schema = p.Examples, p.Before
	}
	if schema != "" {
		head("the schema before")
		sql(schema)
	}
	for i := range shown {
		head(strings.ToLower(shown[i].Title()))
		sql(shown[i].SQL)
	}
	if more := len(p.Examples) - len(shown); more > 0 {
		b.WriteString("\n" + style.Dim.Render(prose.CountNoun(more, "more example")+", of what is not flagged too: -v") + "\n")
	}
	if len(p.Claims) > 0 {
		head("locks of the first example, as measured on " + view.FormatVersions(p.Postgres))
		b.WriteString(listLocks(p))
	}
	head("to suppress it")
	location := "in " + config.Name + ":"
	if !p.Recorded && !p.Checked && !p.Comment {
		sql(p.Suppression())
		location = "on the statement's line or the line above; everywhere, " + location
	}
	paragraph(location)
	sql(p.Setting())
	if len(r.Manual) > 0 {
		head("the manual")
		for _, link := range r.Manual {
			b.WriteString("  " + link + "\n")
		}
	}
	return b.String()
}

// listLocks returns the locks of a page, one per line.
func listLocks(p *page.Page) string {
	var b strings.Builder
	for i := range p.Claims {
		c := &p.Claims[i]
		fmt.Fprintf(&b, "  %s  %s  %s\n", c.Relation, c.Lock, c.DescribeClaim())
	}
	return b.String()
}
