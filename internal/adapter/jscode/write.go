package jscode

import (
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// Composer returns the text of a migration, in a project's style. refuses says why the tool cannot send a text; "" if it can. Both are
// nil if unwritable is not "": then no migration can have a step of a plan, for that reason.
type Composer func(s Style, c Settings) (compose func(p *adapter.Program) string, refuses func(sql string) string, unwritable string)

// Style is how a project writes its migrations: as the newest one is written.
type Style struct {
	// Newest is the text of the newest migration, File the name of its file, and Version what the tool orders it by.
	Newest, File, Version string
	// TypeScript is set if it has types, Modules if it exports by the keyword.
	TypeScript, Modules bool
}

var exports = lazyregexp.New(`(?m)^\s*export\s`)

// Form describes how the tool expects a migration to be written: in the language and the style of the newest one. It is nil if there is
// none, or if no migration can have a step of a plan.
func (a Adapter) Form(t adapter.Tree, set *adapter.Set) *adapter.Form {
	if a.Compose == nil || len(set.Migrations) == 0 {
		return nil
	}
	last := set.Migrations[len(set.Migrations)-1]
	newest := last.Path
	s := Style{Newest: adapter.ReadFile(t, newest).Text, File: path.Base(newest), Version: last.Version, TypeScript: strings.HasSuffix(newest, "ts")}
	s.Modules = s.TypeScript || path.Ext(newest) == ".mjs" || exports.MatchString(s.Newest)
	c := a.ReadSettings(t)
	c.Together = set.Together
	f := &adapter.Form{Name: a.Tool.Name, Up: path.Ext(newest), Transaction: onward.TransactionFile, Texts: true}
	f.Program, f.Refuses, f.Unwritable = a.Compose(s, c)
	return f
}

// AnnotateType returns a name with a type, if the project has types.
func (s Style) AnnotateType(name, kind string) string {
	if !s.TypeScript {
		return name
	}
	return name + ": " + kind
}

// FindImport returns the import statements of the newest migration that name a package; otherwise is for a migration without one.
func (s Style) FindImport(name, otherwise string) string {
	for line := range strings.Lines(s.Newest) {
		if strings.HasPrefix(line, "import ") && (strings.Contains(line, "'"+name+"'") || strings.Contains(line, `"`+name+`"`)) {
			return strings.TrimRight(line, "\r\n") + "\n\n"
		}
	}
	return otherwise + "\n\n"
}

// FormatThrow returns the statement of a function that cannot undo a migration.
func FormatThrow() string { return "throw new Error('" + adapter.Irreversible + "')" }

// QuoteTemplate returns a template literal without expressions.
func QuoteTemplate(text string) string {
	return "`" + strings.NewReplacer(`\`, `\\`, "`", "\\`", "${", `\${`).Replace(text) + "`"
}

// IndentLines returns lines with an indentation. The lines of a template literal stay as they are, so each line is a whole statement.
func IndentLines(depth int, lines ...string) string {
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(strings.Repeat("  ", depth) + line + "\n")
	}
	return b.String()
}

// FormatComment returns a comment of one line.
func FormatComment(p *adapter.Program) string { return "// " + p.Comment + "\n" }

// FormatCalls returns a call for each statement: before and after surround its text.
func FormatCalls(before string, list []string, after string) []string {
	out := make([]string, len(list))
	for i, sql := range list {
		out[i] = before + QuoteTemplate(sql) + after
	}
	return out
}
