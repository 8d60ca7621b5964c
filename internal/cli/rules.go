package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/machine"
	"github.com/onward-sql/onward/internal/report/terminal"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/internal/rules/queries"
	"github.com/onward-sql/onward/internal/rules/tools/page"
	"github.com/onward-sql/onward/onward"
)

// ruleInfo is a rule with the severity that the nearest onward.yaml gives it.
type ruleInfo struct {
	ID       string          `json:"id"`
	Category onward.Category `json:"category"`
	// Severity is the effective one; off if the rule is disabled.
	Severity onward.Severity `json:"severity"`
	Default  onward.Severity `json:"default_severity"`
	Preset   onward.Preset   `json:"preset"`
	Summary  string          `json:"summary"`
	Harm     string          `json:"harm"`
	Instead  string          `json:"instead"`
	Manual   []string        `json:"manual"`
	Postgres []int           `json:"postgres"`
}

func (a *app) newRulesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "rules [WORD...]",
		Short: "list the rules, with their severities here",
		Long: `Lists the rules by subject, with the severity that the nearest onward.yaml gives each. With
words, it lists the rules whose name, summary or category contains all of them. onward explain
RULE prints one rule in full.`,
		Example: `  onward rules index concurrently
  onward rules compatibility`,
		RunE: func(_ *cobra.Command, words []string) error {
			format, options, err := a.outputOptions(report.FormatTerminal, report.FormatJSON)
			if err != nil {
				return err
			}
			c, err := a.readConfigFile()
			if err != nil {
				return err
			}
			list := listRules(c)
			if list = slices.DeleteFunc(list, func(r ruleInfo) bool { return !r.matchesWords(words) }); len(list) == 0 {
				return newUsageError("no rule has %s in its name, summary or category; onward rules lists them all", strings.Join(words, " and "))
			}
			return a.writeResult(func(w io.Writer) error {
				if format == report.FormatJSON {
					return machine.WriteJSON(w, struct {
						Rules []ruleInfo `json:"rules"`
					}{list})
				}
				return printRules(w, list, options)
			})
		},
	}
}

// matchesWords reports whether a rule is about all words.
func (r *ruleInfo) matchesWords(words []string) bool {
	text := strings.ToLower(r.ID + " " + r.Summary + " " + string(r.Category))
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, strings.ToLower(w)) })
}

func listRules(c *config.Config) []ruleInfo {
	out := []ruleInfo{}
	for _, r := range slices.Concat(rules.All(), queries.All()) {
		info := ruleInfo{
			ID: r.ID, Category: r.Category, Severity: effectiveSeverity(r, c), Default: r.Severity, Preset: r.Preset(),
			Summary: r.Summary, Harm: r.Harm, Instead: r.Instead, Manual: append([]string{}, r.Manual...), Postgres: page.ListVersions(r),
		}
		out = append(out, info)
	}
	return out
}

// effectiveSeverity is what a configuration makes of a rule.
func effectiveSeverity(r *rule.Rule, c *config.Config) onward.Severity {
	if s, ok := c.Severities()[r.ID]; ok {
		return s
	}
	presets := c.Presets
	if len(presets) == 0 {
		presets = []onward.Preset{onward.Recommended}
	}
	if !slices.Contains(presets, r.Preset()) {
		return onward.Off
	}
	return r.Severity
}

func printRules(w io.Writer, list []ruleInfo, o report.Options) error {
	p := terminal.NewPalette(o.Color)
	var b strings.Builder
	subject, enabledCount := "", 0
	width := 0
	for _, r := range list {
		width = max(width, len(r.ID))
	}
	for _, r := range list {
		s, _, _ := strings.Cut(r.ID, "-")
		if r.Category == onward.Queries {
			s = "recording"
		}
		if s != subject {
			if subject != "" {
				b.WriteByte('\n')
			}
			subject = s
			fmt.Fprintln(&b, p.Bold.Render(subject))
		}
		style, severity := p.Severity(r.Severity), r.Severity.String()
		if r.Severity == onward.Off {
			style = p.Dim
			severity = "off"
		} else {
			enabledCount++
		}
		fmt.Fprintf(&b, "  %s%s  %-*s  %s\n", style.Render(severity), strings.Repeat(" ", 7-len(severity)), width, r.ID, shortSummary(r.Summary, o.Width-width-13))
	}
	fmt.Fprintf(&b, "\n%s, %d of them on here. onward explain RULE says more.\n", prose.CountNoun(len(list), "rule"), enabledCount)
	_, err := io.WriteString(w, b.String())
	return err
}

// shortSummary cuts a summary to a terminal's width; without one it is whole.
func shortSummary(s string, width int) string {
	if r := []rune(s); width > 20 && len(r) > width {
		return string(r[:width-1]) + "…"
	}
	return s
}

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

func (a *app) newStatsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "stats ADDRESS | @FILE | env:NAME",
		Short: "the size and activity of a database's tables, for --stats",
		Long: `Reads the size and the activity of a database's tables and prints them as JSON. Store the file
beside the migrations and name it with --stats: "grows with the table" then becomes an estimate
of time. The file has no rows, no values, and no name of a host or user. Nothing changes in the
database, which may be a replica.

ADDRESS is postgres://USER@HOST/DATABASE or keywords and values, as for psql. @FILE and env:NAME
read it from a file or from the environment, so that a password is not in the process list.`,
		Example: `  onward stats env:DATABASE_URL > onward.stats.json
  onward changelog --stats onward.stats.json`,
		Args: checkArguments(1, 1, "the address of a database"),
		RunE: func(cmd *cobra.Command, args []string) error {
			url, err := a.readAddress(args[0])
			if err != nil {
				return err
			}
			s, err := audit.Stats(cmd.Context(), url)
			if err != nil {
				return err
			}
			return a.writeResult(func(w io.Writer) error { return report.WriteStats(w, s) })
		},
	}
}
