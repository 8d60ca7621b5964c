// Command pages writes the pages of docs/ that are made of examples: one for each migration tool, accidents
// that happened to others, the differences for users of squawk, and a table in the page of all tools. Their output is onward's output for the
// files next to this program. It runs in internal/site.
package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter/jsrun"
	"github.com/onward-sql/onward/internal/linters"
	"github.com/onward-sql/onward/internal/rules"
)

func main() {
	jsrun.RunChild()
	if err := writePages(filepath.Join("..", "..", "docs")); err != nil {
		fmt.Fprintln(os.Stderr, "pages:", err)
		os.Exit(1)
	}
}

// generated marks the pages that a run replaces.
const generated = "<!-- Generated from the examples in internal/site/pages. DO NOT EDIT. -->\n\n"

func writePages(docs string) error {
	pages, err := makePages(context.Background(), docs)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(docs, "frameworks"), 0o755); err != nil {
		return err
	}
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(docs, filepath.FromSlash(name)), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// makePages returns the text of each page by its name in docs. It copies facts about tools from the table in docs/runners.md.
func makePages(ctx context.Context, docs string) (map[string]string, error) {
	table, err := os.ReadFile(filepath.Join(docs, "runners.md"))
	if err != nil {
		return nil, err
	}
	pages, err := makeFrameworks(ctx, string(table))
	if err != nil {
		return nil, err
	}
	if pages["accidents.md"], err = makeAccidents(ctx); err != nil {
		return nil, err
	}
	if pages["squawk.md"], err = makeSquawk(); err != nil {
		return nil, err
	}
	for name, text := range pages {
		pages[name] = generated + text
	}
	pages["runners.md"], err = insertCoverage(string(table), filepath.Join(docs, "..", "internal", "adapter", "realrunners", "testdata", "contract"))
	if err != nil {
		return nil, err
	}
	return pages, nil
}

// makeAccidents makes the page of what happened to others.
func makeAccidents(ctx context.Context) (string, error) {
	list, err := readExamples("accidents")
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("# Accidents\n\nWhat happened to others, as they told it, and what onward says to the same change. " +
		"It says it of the migration alone: no database is asked, " +
		"and it does not know how big the table is. The words are ours, and the facts are from the linked reports. " +
		"None of them prints its SQL: the statements are the least that does what it tells, with names of ours.\n")
	for _, x := range list {
		output, r, err := x.runChangelog(ctx, x.fresh)
		if err != nil {
			return "", fmt.Errorf("%s: %w", x.head["title"], err)
		}
		if len(r.Findings) == 0 {
			return "", fmt.Errorf("%s: nothing is found", x.head["title"])
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s. [Their report](%s).\n\n%s\n\n", x.head["title"], x.head["who"], x.head["source"], x.prose)
		if code, ok := x.beside["app.ts"]; ok {
			fmt.Fprintf(&b, "```ts\n%s```\n\n", code)
		}
		fmt.Fprintf(&b, "%s`onward changelog` says:\n\n%s\nThe rules:", formatFiles(x.fresh, false), output)
		var seen []string
		for _, f := range r.Findings {
			if link := fmt.Sprintf(" [%s](rules/%[1]s.md)", f.Rule); !strings.Contains(strings.Join(seen, ""), link) {
				seen = append(seen, link)
			}
		}
		b.WriteString(strings.Join(seen, ",") + ".\n")
	}
	return b.String(), nil
}

// sampleRepo is a repository with all settings and comments for squawk that onward translates.
var sampleRepo = repo{
	".squawk.toml": `excluded_rules = ["prefer-text-field", "require-table-schema"]
included_rules = ["prefer-identity"]
pg_version = "15.3"
assume_in_transaction = true
excluded_paths = ["migrations/0001_*.sql"]
upload_to_github = true
`,
	"migrations/0001.sql": "-- squawk-ignore ban-drop-column\nALTER TABLE t DROP COLUMN a;\n",
	"migrations/0002.sql": "-- squawk-ignore-file ban-drop-table, require-table-schema\nDROP TABLE t;\n",
	"migrations/0003.sql": "-- squawk-ignore\nDROP TABLE t;\n",
}

// makeSquawk makes the page for those who come from it.
func makeSquawk() (string, error) {
	names, err := sources.ReadFile("squawk.txt")
	if err != nil {
		return "", err
	}
	summary := map[string]string{}
	for _, r := range rules.All() {
		summary[r.ID] = fmt.Sprintf("%s, %s", r.Severity, r.Preset())
	}
	var b strings.Builder
	b.WriteString(`# Coming from squawk

squawk reads one file at a time, and reports what a statement may do. Onward reads the history before it. So it knows which tables are new, which constraints
exist, and which transaction the migration tool opens. It also knows what the deployed code still uses. So it reports less for most migrations, and more for some.

` + "`onward init`" + ` reads ` + "`.squawk.toml`" + ` and the comments in migrations, writes what follows from them into onward.yaml, and lists what has no counterpart. It changes no file of
squawk's, so both can run side by side for a while. ` + "`onward explain adding-required-field`" + ` knows squawk's names.

## Rules

| squawk | onward | severity, preset | what is different |
| --- | --- | --- | --- |
`)
	for line := range strings.Lines(string(names)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, note, _ := strings.Cut(line, ": ")
		if id := rules.RuleElsewhere(name); id != "" {
			fmt.Fprintf(&b, "| %s | [%s](rules/%[2]s.md) | %s | %s |\n", name, id, summary[id], note)
		} else {
			fmt.Fprintf(&b, "| %s | none | | %s |\n", name, note)
		}
	}
	translated := linters.Read(sampleRepo)
	b.WriteString("\nNewer rules of squawk are mostly bans of drops and changes. Onward has rules for these by subject: [all of them](rules/README.md).\n" +
		"\n## Configuration\n\n| `.squawk.toml` | onward.yaml | |\n| --- | --- | --- |\n")
	writeEntries(&b, translated.Settings)
	b.WriteString("\n## Comments\n\nA comment of onward's names the rule and says why; one that suppresses nothing is a finding.\n\n| squawk | onward | |\n" +
		"| --- | --- | --- |\n")
	writeEntries(&b, translated.Comments)
	return b.String(), nil
}

func writeEntries(b *strings.Builder, list []linters.Entry) {
	code := func(text string) string {
		if text == "" {
			return ""
		}
		return "`" + text + "`"
	}
	for _, e := range list {
		fmt.Fprintf(b, "| %s | %s | %s |\n", code(e.Theirs), code(e.Ours), e.Why)
	}
}

// The marks around the generated part of docs/runners.md.
const (
	coverageBegin = "<!-- The rest of this section is generated from the results of TestContract. DO NOT EDIT. -->\n"
	coverageEnd   = "\n## What a changed history does\n"
)

// toolResults are the results of one tool, by scene: equal, different, or why a call is not judged.
type toolResults struct {
	name   string
	scenes map[string]string
}

// insertCoverage writes the results of the contract test of adapters, which are in dir, into the page of the tools.
func insertCoverage(page, dir string) (string, error) {
	before, rest, hasBegin := strings.Cut(page, coverageBegin)
	_, after, hasEnd := strings.Cut(rest, coverageEnd)
	if !hasBegin || !hasEnd {
		return "", fmt.Errorf("docs/runners.md lacks the marks of the coverage")
	}
	scenes, err := os.ReadFile(filepath.Join(dir, "scenes.txt"))
	if err != nil {
		return "", err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.want"))
	if err != nil {
		return "", err
	}
	groups := map[string][]toolResults{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		head, lines, _ := strings.Cut(string(text), "\n")
		name, group, _ := strings.Cut(head, ": ")
		tool := toolResults{name, map[string]string{}}
		for line := range strings.Lines(lines) {
			scene, result, _ := strings.Cut(strings.TrimSpace(line), ": ")
			tool.scenes[scene] = result
		}
		groups[group] = append(groups[group], tool)
	}
	var out strings.Builder
	for _, group := range []string{"programs", "files"} {
		writeCoverage(&out, string(scenes), groups[group])
	}
	return before + coverageBegin + out.String() + coverageEnd + after, nil
}

// writeCoverage writes the table of some tools, and what is not judged.
func writeCoverage(out *strings.Builder, scenes string, tools []toolResults) {
	if len(tools) == 0 {
		return
	}
	slices.SortFunc(tools, func(a, b toolResults) int { return cmp.Compare(a.name, b.name) })
	out.WriteString("\n| change |")
	for _, tool := range tools {
		out.WriteString(" " + tool.name + " |")
	}
	out.WriteString("\n| --- |" + strings.Repeat(" :-: |", len(tools)) + "\n")
	var notes strings.Builder
	for line := range strings.Lines(scenes) {
		scene, meaning, _ := strings.Cut(strings.TrimSpace(line), ": ")
		out.WriteString("| " + meaning + " |")
		for _, tool := range tools {
			result := tool.scenes[scene]
			mark := map[string]string{"equal": "✓", "": ""}
			text, known := mark[result]
			if !known {
				text = "○"
				reason, isUnread := strings.CutPrefix(result, "not judged: ")
				if !isUnread {
					text, reason = "✗", "onward reads something else than it sends"
				}
				reason, _, _ = strings.Cut(reason, "; ")
				if _, call, ok := strings.Cut(reason, ", "); ok {
					reason = call // without its line
				}
				fmt.Fprintf(&notes, "- %s, %s: %s\n", tool.name, meaning, reason)
			}
			out.WriteString(" " + text + " |")
		}
		out.WriteString("\n")
	}
	if notes.Len() > 0 {
		out.WriteString("\n" + notes.String())
	}
}
