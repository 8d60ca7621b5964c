package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/machine"
	"github.com/onward-sql/onward/internal/report/terminal"
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
