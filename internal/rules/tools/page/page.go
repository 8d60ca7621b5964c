// Package page makes a rule's documentation out of the rule and its fixture: docs/rules and
// `onward explain` show the same text.
package page

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// Page is the documentation of a rule.
type Page struct {
	Rule *rule.Rule
	// Postgres are the versions on which the first example is flagged.
	Postgres []int
	// Claims are what a server shows for the first example.
	Claims []Claim
	// Old are statements of the deployed code that the first example breaks.
	Old []string
	// Before is the schema that the examples begin with, "" for none.
	Before string
	// Notes say how the examples are run, in sentences.
	Notes []string
	// Examples are in the order of the fixture: bad, fixed, good.
	Examples []Example
	// Recorded: it is found in a recording of queries, and therefore in no statement of a
	// migration.
	Recorded bool
	// Checked: it is found by asking a running database.
	Checked bool
	// Comment: it is about a comment that suppresses others, and no comment suppresses it.
	Comment bool
}

// Claim is a lock, and the work under it, as measured.
type Claim struct {
	Relation string
	Lock     onward.Lock
	Work     string
}

// Kind says what an example shows.
type Kind string

// The kinds of examples.
const (
	Bad   Kind = "bad"   // it is flagged
	Fixed Kind = "fixed" // the safe version
	Good  Kind = "good"  // it looks similar and is not flagged
)

// Example is one example.
type Example struct {
	Kind Kind
	// Name tells it from others of its kind, in words; "" for the first.
	Name string
	SQL  string
}

// ExamplePair is the first example that is flagged and the first safe version, as far as there
// are some.
func (p *Page) ExamplePair() []Example {
	var out []Example
	for _, kind := range []Kind{Bad, Fixed} {
		if i := slices.IndexFunc(p.Examples, func(e Example) bool { return e.Kind == kind }); i >= 0 {
			out = append(out, p.Examples[i])
		}
	}
	return out
}

// ListVersions returns the major versions for which a rule reports something.
func ListVersions(r *rule.Rule) []int {
	versions := []int{}
	for v := max(onward.OldestMajor, r.Since); v <= max(onward.NewestMajor, r.Since) && (r.Until == 0 || v <= r.Until); v++ {
		versions = append(versions, v)
	}
	return versions
}

// parseFixture reads the fixture of a rule.
func parseFixture(r *rule.Rule, fixture []byte) (*Page, error) {
	p := &Page{Rule: r, Postgres: ListVersions(r)}
	archive := txtar.Parse(fixture)
	for _, line := range strings.Split(string(archive.Comment), "\n") {
		key, value, ok := strings.Cut(line, ":")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		if err := p.readHeader(key, strings.TrimSpace(value)); err != nil {
			return nil, fmt.Errorf("%s: %q: %w", r.ID, line, err)
		}
	}
	last, parts := "", []string(nil)
	for _, file := range archive.Files {
		if file.Name == "before.sql" {
			p.Before = cleanExample(string(file.Data))
			continue
		}
		name, part, several := strings.Cut(file.Name, "/")
		if !several {
			name = strings.TrimSuffix(name, ".sql")
		}
		sql := cleanExample(string(file.Data))
		if several && name == last {
			// A file needs its name only if there are several.
			e := &p.Examples[len(p.Examples)-1]
			if len(parts) == 1 {
				e.SQL = "-- " + parts[0] + "\n" + e.SQL
			}
			parts = append(parts, part)
			e.SQL += "\n\n-- " + part + "\n" + sql
			continue
		}
		last, parts = name, []string{part}
		kind, rest, _ := strings.Cut(name, "-")
		switch k := Kind(kind); k {
		case Bad, Fixed, Good:
			p.Examples = append(p.Examples, Example{Kind: k, Name: strings.ReplaceAll(rest, "-", " "), SQL: sql})
		default:
			return nil, fmt.Errorf("%s: section %s is not one of before.sql, bad, fixed, good", r.ID, file.Name)
		}
	}
	return p, nil
}

// cleanExample takes the tests' expectations out of an example.
func cleanExample(sql string) string {
	lines := strings.Split(strings.TrimSpace(sql), "\n")
	for i, line := range lines {
		if pos := strings.Index(line, "-- want "); pos >= 0 {
			line = line[:pos]
		}
		lines[i] = strings.TrimRight(line, " \t")
	}
	return strings.Join(lines, "\n")
}

// Title introduces an example.
func (e *Example) Title() string {
	title := map[Kind]string{Bad: "Flagged", Fixed: "Safe version", Good: "Not flagged"}[e.Kind]
	if e.Name != "" {
		title += ": " + e.Name
	}
	return title
}

// Suppression is a comment that takes the rule's findings out at one place.
func (p *Page) Suppression() string {
	return FormatSuppression(p.Rule.ID, "--")
}

// FormatSuppression returns the comment that takes the findings of a rule out, with a reason to write. marker begins comments of
// the file's language.
func FormatSuppression(rule, marker string) string {
	text := marker + " onward:ignore " + rule + ": why it is safe here"
	if marker == "<!--" {
		text += " -->"
	}
	return text
}

// Setting is the part of onward.yaml that switches the rule off.
func (p *Page) Setting() string { return "rules:\n  " + p.Rule.ID + ": off" }

// DescribeClaim says whom the lock makes wait, and what is done under it.
func (c *Claim) DescribeClaim() string {
	blocks := "blocks nobody"
	switch {
	case c.Lock.BlocksReads():
		blocks = "blocks reads and writes"
	case c.Lock.BlocksWrites():
		blocks = "blocks writes"
	}
	work := map[string]string{
		"none":    "no work that grows with it",
		"scan":    "reads it whole",
		"index":   "builds an index",
		"rewrite": "writes it anew",
	}[c.Work]
	if work == "" {
		work = c.Work
	}
	return blocks + ", " + work
}
