package page

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/onward"
)

// Generated marks the pages that a generator may replace and remove.
const Generated = "<!-- Generated from the rule and its fixture by make generate. DO NOT EDIT. -->"

// FormatMarkdown is the rule's page in docs/rules.
func (p *Page) FormatMarkdown() string { return Generated + "\n\n" + p.FormatBody() }

// FormatBody is the rule's page in Markdown, for who reads it elsewhere.
func (p *Page) FormatBody() string {
	var b strings.Builder
	r := p.Rule
	fmt.Fprintf(&b, "# %s\n\n%s.\n\n", r.ID, escapeText(r.Summary))
	fmt.Fprintf(&b, "Severity **%s** · category %s · preset %s · %s\n\n", r.Severity, r.Category, r.Preset(), p.describeScope())
	fmt.Fprintf(&b, "## What happens\n\n%s\n\n## What to do instead\n\n%s\n\n", escapeText(r.Harm), escapeText(r.Instead))
	if len(p.Claims) > 0 {
		b.WriteString("## Locks, as measured\n\nFor the first example, on " + formatVersions(p.Postgres) +
			":\n\n| relation | lock | meaning |\n| --- | --- | --- |\n")
		for i := range p.Claims {
			c := &p.Claims[i]
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", c.Relation, c.Lock, c.DescribeClaim())
		}
		b.WriteString("\n")
	}
	if len(p.Examples) > 0 {
		b.WriteString("## Examples\n\n")
	}
	for _, note := range p.Notes {
		b.WriteString(escapeText(note) + "\n\n")
	}
	if p.Before != "" {
		b.WriteString("The schema before:\n\n" + formatSQL(p.Before))
	}
	for i := range p.Examples {
		e := &p.Examples[i]
		b.WriteString(e.Title() + ":\n\n" + formatSQL(e.SQL))
	}
	b.WriteString("## Suppress it\n\n")
	if !p.Recorded && !p.Checked && !p.Comment {
		fmt.Fprintf(&b, "At one place, on the statement's line or the line above, with the reason:\n\n%s", formatSQL(p.Suppression()))
	}
	fmt.Fprintf(&b, "Everywhere, in `onward.yaml` (or `info`, `warning`, `error` to change its severity):\n\n```yaml\n%s\n```\n", p.Setting())
	if len(r.Manual) > 0 {
		b.WriteString("\n## The manual\n\n")
		for _, link := range r.Manual {
			fmt.Fprintf(&b, "- <%s>\n", link)
		}
	}
	return b.String()
}

// describeScope says what the rule is about: versions of Postgres, or recordings.
func (p *Page) describeScope() string {
	switch {
	case p.Recorded:
		return "found in recordings of queries"
	case p.Checked:
		return "asked of a running database"
	case p.Comment:
		return "found in comments"
	}
	return formatVersions(p.Postgres)
}

// formatIndex is docs/rules/README.md: all rules, by subject.
func formatIndex() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n# Rules\n\n%d rules, by subject. `onward explain RULE` shows the same pages in the terminal.\n\n", Generated, len(rules.All()))
	b.WriteString("**error**: run unchanged, it fails, breaks the deployed code, blocks traffic for a time that grows with the table, or loses data. " +
		"**warning**: it does so depending on data, code or luck that cannot be seen from here. **info**: worth knowing, nothing to do. " +
		"Rules of the preset recommended are on by default; `presets:` in `onward.yaml` names others. " +
		"[not-rules.md](not-rules.md) lists hazards without a rule, with the reason.\n")
	subject := ""
	for _, r := range rules.All() {
		if s, _, _ := strings.Cut(r.ID, "-"); s != subject {
			subject = s
			fmt.Fprintf(&b, "\n## %s\n\n| rule | severity | category | preset | what is flagged |\n| --- | --- | --- | --- | --- |\n", subject)
		}
		fmt.Fprintf(&b, "| [%s](%s.md) | %s | %s | %s | %s |\n", r.ID, r.ID, r.Severity, r.Category, r.Preset(), strings.ReplaceAll(escapeText(r.Summary), "|", `\|`))
	}
	for _, g := range listGroups() {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| %s | severity | category | what is found |\n| --- | --- | --- | --- |\n", g.title, g.intro, g.noun)
		for _, r := range g.rules {
			fmt.Fprintf(&b, "| [%s](%s.md) | %s | %s | %s |\n", r.ID, r.ID, r.Severity, r.Category, escapeText(r.Summary))
		}
	}
	return b.String()
}

var escapes = strings.NewReplacer("<", `\<`, "*", `\*`)

// escapeText keeps Markdown from reading SQL's signs as markup; between backquotes
// it does not.
func escapeText(s string) string {
	parts := strings.Split(strings.TrimSpace(s), "`")
	for i := 0; i < len(parts); i += 2 {
		parts[i] = escapes.Replace(parts[i])
	}
	return strings.Join(parts, "`")
}

func formatSQL(s string) string { return "```sql\n" + s + "\n```\n\n" }

// formatVersions spells major versions.
func formatVersions(majors []int) string {
	switch n := len(majors); {
	case n == 0 || n == onward.NewestMajor-onward.OldestMajor+1:
		return fmt.Sprintf("Postgres %d to %d", onward.OldestMajor, onward.NewestMajor)
	case n == 1:
		return fmt.Sprintf("Postgres %d", majors[0])
	default:
		return fmt.Sprintf("Postgres %d to %d", majors[0], majors[n-1])
	}
}

// BuildAll gives the files of docs/rules by name: a page for each rule, and the index.
func BuildAll() (map[string]string, error) {
	files := map[string]string{"README.md": formatIndex()}
	for _, r := range ListAll() {
		p, err := OfRule(r)
		if err != nil {
			return nil, err
		}
		files[r.ID+".md"] = p.FormatMarkdown()
	}
	return files, nil
}
