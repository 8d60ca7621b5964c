package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/checks"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/internal/rules/page"
	"github.com/onward-sql/onward/internal/rules/queries"
	"github.com/onward-sql/onward/internal/rules/rehearsal"
	"github.com/onward-sql/onward/internal/rules/suppression"
)

func (a *app) explain() *cobra.Command {
	return &cobra.Command{
		Use:   "explain RULE",
		Short: "what a rule is about: what happens, an example, the safe version",
		Long: `Says what a rule is about. A part of its name will do where no other rule has it,
and so will the name that squawk has for it.`,
		Example: `  onward explain index-create-blocking
  onward explain enum-recreate`,
		Args: arguments(1, 1, "the name of one rule"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, r := range explained() {
				names = append(names, r.ID+"\t"+r.Summary)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			format, options, err := a.printing(report.FormatTerminal, report.FormatMarkdown)
			if err != nil {
				return err
			}
			p, err := rulePage(args[0])
			if err != nil {
				return err
			}
			return a.write(func(w io.Writer) error {
				text := p.Markdown()
				if format == report.FormatTerminal {
					text = explanation(p, options)
				}
				_, err := io.WriteString(w, text)
				return err
			})
		},
	}
}

func rulePage(name string) (*page.Page, error) {
	r, err := ruleNamed(name)
	switch {
	case err != nil:
		return nil, err
	case slices.Contains(queries.All(), r):
		fixture, _ := queries.Fixture(r.ID)
		return page.Recorded(r, fixture)
	case slices.ContainsFunc(checks.Rules(), func(c *rule.Rule) bool { return c.ID == r.ID }):
		return page.Checked(r), nil
	case slices.ContainsFunc(suppression.All(), func(c *rule.Rule) bool { return c.ID == r.ID }):
		return page.AboutComment(r), nil
	case rules.Find(r.ID) == nil: // a server finds it: there is no example
		return &page.Page{Rule: r}, nil
	}
	fixture, ok := rules.Fixture(r.ID)
	if !ok {
		return nil, fmt.Errorf("%s has no examples in this build", r.ID)
	}
	return page.Of(r, fixture)
}

// mostNamed are the rules that are listed where a name is part of several.
const mostNamed = 8

// ruleNamed is the rule that is meant by a name, a part of one, or another tool's name.
func ruleNamed(name string) (*rule.Rule, error) {
	var names, parts []string
	var part *rule.Rule
	for _, r := range explained() {
		if r.ID == name {
			return r, nil
		}
		names = append(names, r.ID)
		if within(r.ID, name) {
			part, parts = r, append(parts, r.ID)
		}
	}
	if here := rules.Find(rules.Elsewhere(name)); here != nil {
		return here, nil
	}
	near := config.Nearest(name, names)
	switch {
	case len(parts) == 1:
		return part, nil
	case len(parts) > mostNamed:
		return nil, usagef("%q is part of %d rules; onward rules %s lists them", name, len(parts), name)
	case len(parts) > 1:
		return nil, usagef("%q is part of several rules: %s", name, strings.Join(parts, ", "))
	case near != "":
		return nil, usagef("unknown rule %q: did you mean %s?", name, near)
	}
	return nil, usagef("unknown rule %q; onward rules lists them", name)
}

// explained are all rules, those that a rehearsal finds and those on recordings too.
func explained() []*rule.Rule {
	return slices.Concat(rules.All(), rehearsal.All(), queries.All(), checks.Rules(), suppression.All())
}

// within reports whether some words of a rule's name, one behind the other, are those of
// a part.
func within(id, part string) bool {
	return part != "" && strings.Contains("-"+id+"-", "-"+strings.Trim(part, "-")+"-")
}

// pageWidth is how wide a rule's page is set: easy to read, and no wider than the screen.
func pageWidth(o report.Options) int {
	if o.Width > 0 {
		return min(max(o.Width, 60), 80)
	}
	return 80
}

// explanation is a rule's page for the terminal.
func explanation(p *page.Page, o report.Options) string {
	style := report.NewPalette(o.Color)
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
	shown, schema := p.Pair(), ""
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
		b.WriteString("\n" + style.Dim.Render(report.Count(more, "more example")+", of what is not flagged too: -v") + "\n")
	}
	if len(p.Claims) > 0 {
		head("locks of the first example, as measured on " + report.Versions(p.Postgres))
		b.WriteString(claims(p))
	}
	head("to suppress it")
	where := "in " + config.Name + ":"
	if !p.Recorded && !p.Checked && !p.Comment {
		sql(p.Suppression())
		where = "on the statement's line or the line above; everywhere, " + where
	}
	paragraph(where)
	sql(p.Setting())
	if len(r.Manual) > 0 {
		head("the manual")
		for _, link := range r.Manual {
			b.WriteString("  " + link + "\n")
		}
	}
	return b.String()
}

// claims are the locks of a page, one a line.
func claims(p *page.Page) string {
	var b strings.Builder
	for i := range p.Claims {
		c := &p.Claims[i]
		fmt.Fprintf(&b, "  %s  %s  %s\n", c.Relation, c.Lock, c.Words())
	}
	return b.String()
}
