package main

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/linters"
	"github.com/onward-sql/onward/internal/rules"
)

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
