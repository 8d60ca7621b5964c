package first

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

// schema is the URL of the schema of onward.yaml, for editors.
const schema = "https://raw.githubusercontent.com/onward-sql/onward/main/onward.schema.json"

// YAML returns the onward.yaml for the repository: settings that were found are set, the rest are
// comments. baseline is the file of findings to leave out, "" for none.
func (f *Found) YAML(baseline string) string {
	var b strings.Builder
	b.WriteString("# yaml-language-server: $schema=" + schema + "\n")
	b.WriteString("# What a key says counts; without it onward looks again in each run. All keys:\n" +
		"# https://github.com/onward-sql/onward/blob/main/docs/configuration.md\n")
	if len(f.Postgres) > 0 {
		fmt.Fprintf(&b, "\n# The major versions in production, as %s has it.\npostgres: %s\n", commentText(f.PostgresBy), formatVersions(f.Postgres))
	} else {
		b.WriteString("\n# The major versions in production. No file names one: all supported ones count.\n# postgres: 15..17\n")
	}
	switch {
	case f.BaseBy != "":
		fmt.Fprintf(&b, "\n# The deployed revision, as %s has it.\nbase: %s\n", commentText(f.BaseBy), quoteScalar(f.Base))
	case f.BaseIsRemote:
		fmt.Fprintf(&b, "\n# The deployed revision: a release is what a branch adds to it.\nbase: %s\n", quoteScalar(f.Base))
	default:
		b.WriteString("\n# The deployed revision: a release is what a branch adds to it. Without a remote it is main or master.\n# base: origin/main\n")
	}
	f.writeMigrations(&b)
	if len(f.Linters.Rules) > 0 {
		b.WriteString("\n# The severity of rules: error, warning, info or off.\nrules:\n")
		for _, r := range f.Linters.Rules {
			fmt.Fprintf(&b, "  %s: %s # %s\n", r.ID, r.Severity, commentText(r.By))
		}
	} else {
		b.WriteString("\n# The severity of rules: error, warning, info or off. onward rules lists them.\n# rules:\n#   index-create-blocking: warning\n")
	}
	f.writeAssumedTimeouts(&b)
	if baseline != "" {
		fmt.Fprintf(&b, "\n# Findings to leave out.\nbaseline: %s\n", quoteScalar(baseline))
	} else {
		b.WriteString("\n# Findings to leave out, which onward check --write-baseline FILE writes.\n# baseline: onward.baseline.json\n")
	}
	b.WriteString(`
# The severity from which on findings make the exit code 1: error, warning, info or never.
# fail_on: error

# Sets of rules: recommended, strict, design, security.
# presets: [recommended]

# Tables on which work that grows with the size does not matter.
# small_tables: [countries]

# Files that may stay unjudged without making the exit code 3: true, or a list.
# accept_opaque: [legacy/**]
`)
	return b.String()
}

// isGuessed reports whether it is a guess how a directory's files are sent, and another linter has a
// setting for it.
func (f *Found) isGuessed(m audit.Detected) bool {
	return f.Linters.InTransaction && m.Assumed && !m.Deep
}

// writeMigrations names directories only if one of them needs a setting: detection finds new ones, and
// follows directories that move.
func (f *Found) writeMigrations(b *strings.Builder) {
	says := slices.ContainsFunc(f.Migrations, func(m audit.Detected) bool { return f.isGuessed(m) || m.Render != "" }) ||
		len(f.Migrations) == 0 && slices.ContainsFunc(f.Unread, func(u adapter.Unread) bool { return u.Render() != "" })
	if slices.ContainsFunc(f.Migrations, func(m audit.Detected) bool { return m.Deep }) {
		says = false
	}
	mark := "# "
	if says {
		mark = ""
		b.WriteString("\n# Directories of migrations: those that are named here, and no others.\n")
	} else {
		b.WriteString("\n# Directories of migrations. They are found in each run, so that a new one is not missed; where\n" +
			"# some are named, those are read and no others.\n")
	}
	b.WriteString(mark + "migrations:\n")
	list := f.Migrations
	if len(list) == 0 && len(f.Unread) == 0 {
		list = []audit.Detected{{Runner: onward.Runner{Dir: "db/migrations", Framework: "sql"}}}
	}
	for _, m := range list {
		fmt.Fprintf(b, "%s  - dir: %s\n%s    framework: %s\n", mark, quoteScalar(dirOf(m)), mark, quoteScalar(m.Framework))
		writeRender(b, mark, m.Render)
		if says && f.isGuessed(m) {
			b.WriteString("    transaction: file # file, message, pipeline or none\n")
		}
		writeRunner(b, m.Framework, m.Own)
	}
	for _, u := range f.Unread {
		if render := u.Render(); render != "" {
			fmt.Fprintf(b, "%s  - dir: %s\n", mark, quoteScalar(u.Dir))
			writeRender(b, mark, render)
			continue
		}
		if u.Command() == adapter.MigrateCommand("") {
			continue
		}
		fmt.Fprintf(b, "#   # Its SQL is known only when it runs. With this, onward runs the command on a throwaway Postgres (docs/capture.md).\n"+
			"#   - dir: %s\n#     capture: %s\n", quoteScalar(u.Dir), quoteScalar(u.Command()))
	}
}

// writeRender writes the command that prints the SQL; "" for none.
func writeRender(b *strings.Builder, mark, render string) {
	if render != "" {
		fmt.Fprintf(b, "%s    # It prints the SQL without a database. It runs after it is on the base, or with --config onward.yaml.\n%s    render: %s\n",
			mark, mark, quoteScalar(render))
	}
}

// writeAssumedTimeouts writes the settings of every session.
func (f *Found) writeAssumedTimeouts(b *strings.Builder) {
	b.WriteString("\n# What holds for every session that runs migrations.\n")
	if f.Linters.LockTimeout == "" && f.Linters.StatementTimeout == "" {
		b.WriteString("# assume:\n#   lock_timeout: 5s\n")
		return
	}
	b.WriteString("assume:\n")
	for _, t := range []struct{ key, value string }{{"lock_timeout", f.Linters.LockTimeout}, {"statement_timeout", f.Linters.StatementTimeout}} {
		if t.value != "" {
			fmt.Fprintf(b, "  %s: %s\n", t.key, t.value)
		}
	}
}

// Differs lists how this onward.yaml would differ from the existing one, a line each.
func (f *Found) Differs(c *config.Config) ([]string, error) {
	suggestion, err := config.Decode([]byte(f.YAML("")), config.Name, audit.Names())
	if err != nil {
		return nil, err
	}
	var out []string
	note := func(key, current, found, source string) {
		if source != "" {
			source = " (" + escape.Line(source) + ")"
		}
		if current == "" {
			current = "nothing"
		}
		out = append(out, fmt.Sprintf("%s: %s%s, where it says %s", key, escape.Line(found), source, escape.Line(current)))
	}
	if len(suggestion.Postgres) > 0 && !slices.Equal(suggestion.Postgres, c.Postgres) {
		note("postgres", formatVersions(c.Postgres), formatVersions(suggestion.Postgres), f.PostgresBy)
	}
	if suggestion.Base != "" && suggestion.Base != c.Base {
		note("base", c.Base, suggestion.Base, f.BaseBy)
	}
	for _, r := range f.Linters.Rules {
		if severity, ok := c.Rules[r.ID]; !ok {
			note("rules: "+r.ID, "", r.Severity.String(), r.By)
		} else if severity != r.Severity {
			note("rules: "+r.ID, severity.String(), r.Severity.String(), r.By)
		}
	}
	for _, t := range []struct {
		key        string
		has, would config.Timeout
	}{{"lock_timeout", c.Assume.LockTimeout, suggestion.Assume.LockTimeout},
		{"statement_timeout", c.Assume.StatementTimeout, suggestion.Assume.StatementTimeout}} {
		if t.would != 0 && t.has != t.would {
			note("assume: "+t.key, formatTimeout(t.has), formatTimeout(t.would), "")
		}
	}
	for _, m := range f.Migrations {
		isListed := slices.ContainsFunc(c.Migrations, func(x config.Migrations) bool { return strings.Trim(x.Dir, "/") == dirOf(m) })
		if (len(c.Migrations) > 0 || m.Render != "") && !isListed {
			note("migrations", "", dirOf(m), m.Framework)
		}
	}
	return out, nil
}

func formatTimeout(t config.Timeout) string {
	if t == 0 {
		return ""
	}
	return fmt.Sprintf("%dms", t.Milliseconds())
}

// formatVersions formats major versions for onward.yaml: "16", "14..17", "[14, 16]".
func formatVersions(list []int) string {
	switch n := len(list); {
	case n == 0:
		return ""
	case n == 1:
		return fmt.Sprint(list[0])
	case list[n-1]-list[0] == n-1:
		return fmt.Sprintf("%d..%d", list[0], list[n-1])
	}
	return "[" + strings.ReplaceAll(strings.Trim(fmt.Sprint(list), "[]"), " ", ", ") + "]"
}

var plain = lazyregexp.New(`^[A-Za-z][\w./-]*$`)

// quoteScalar returns a text for YAML: in quotation marks if it could be read as something else.
func quoteScalar(text string) string {
	if plain.MatchString(text) {
		return text
	}
	quoted, _ := json.Marshal(text) // a text
	return string(quoted)
}

// commentText returns an untrusted text on one line.
func commentText(text string) string { return escape.Line(text) }

// writeRunner proposes how the repository's own program runs the files of a directory; nil for none. The proposal is a comment, because the
// program's code was read and not run.
func writeRunner(b *strings.Builder, framework string, r *config.Runner) {
	if r == nil {
		return
	}
	frameworkHint := ""
	if framework != all.Plain {
		frameworkHint = "leave out framework, "
	}
	line := func(format string, args ...any) { fmt.Fprintf(b, "#     "+format+"\n", args...) }
	line("# %s seems to run these files. Check this, %sand remove the #:", commentText(r.Name), frameworkHint)
	if r.Transaction != "" {
		line("transaction: %s", r.Transaction)
	} else {
		line("# transaction: file # file, message, none, or run for all pending files in one transaction")
	}
	line("runner:")
	line("  name: %s", quoteScalar(r.Name))
	list := func(key string, patterns []string) {
		if len(patterns) == 0 {
			return
		}
		quoted := make([]string, len(patterns))
		for i, p := range patterns {
			quoted[i] = quoteScalar(p)
		}
		line("  %s: [%s]", key, strings.Join(quoted, ", "))
	}
	list("files", r.Files)
	list("down", r.Down)
	list("programs", r.Programs)
	if r.NoTransactionMarker != "" {
		line("  no_transaction_marker: %s", quoteScalar(r.NoTransactionMarker))
		line("  # no_transaction_mode: %s # if the program sends such a file statement by statement", onward.TransactionNone)
	}
	if r.PSQL {
		line("  psql: true")
	}
	if len(r.Replace) > 0 {
		line("  replace: # any value will do that fits")
		for _, text := range slices.Sorted(maps.Keys(r.Replace)) {
			line("    %s: %s", quoteScalar(text), quoteScalar(r.Replace[text]))
		}
	}
	if r.Table != "" {
		line("  table: %s", quoteScalar(r.Table))
	}
}
