package main

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/linters"
	"github.com/onward-sql/onward/internal/rules"
)

// told is a repository that says to squawk all that onward translates.
var told = repo{
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

// squawk makes the page for those who come from it.
func squawk() (string, error) {
	names, err := sources.ReadFile("squawk.txt")
	if err != nil {
		return "", err
	}
	summary := map[string]string{}
	for _, r := range rules.All() {
		summary[r.ID] = fmt.Sprintf("%s, %s", r.Severity, r.Preset)
	}
	var b strings.Builder
	b.WriteString(`# Coming from squawk

squawk reads one file at a time, and says what a statement may do. Onward reads the history before it, so it knows which tables are new, which constraint stands
already, what the migration tool puts around a file, and what the deployed code still uses. So it says less to most migrations, and more to some.

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
		if id := rules.Elsewhere(name); id != "" {
			fmt.Fprintf(&b, "| %s | [%s](rules/%[2]s.md) | %s | %s |\n", name, id, summary[id], note)
		} else {
			fmt.Fprintf(&b, "| %s | none | | %s |\n", name, note)
		}
	}
	said := linters.Read(told)
	b.WriteString("\nWhat squawk has beyond these by now, mostly bans of everything that is dropped or altered, onward has as rules by subject: [all of them](rules/README.md).\n" +
		"\n## Configuration\n\n| `.squawk.toml` | onward.yaml | |\n| --- | --- | --- |\n")
	entries(&b, said.Settings)
	b.WriteString("\n## Comments\n\nA comment of onward's names the rule and says why; one that suppresses nothing is a finding.\n\n| squawk | onward | |\n| --- | --- | --- |\n")
	entries(&b, said.Comments)
	return b.String(), nil
}

func entries(b *strings.Builder, list []linters.Entry) {
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
