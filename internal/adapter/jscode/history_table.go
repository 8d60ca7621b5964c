package jscode

import (
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
)

// addHistoryTable adds to a set the description of the tool's history table. Its programs are migrations that only the tool itself runs.
func (a Adapter) addHistoryTable(set *adapter.Set, c Settings) {
	if a.Count == nil {
		return
	}
	set.Count = a.Count(c, path.Ext(set.Migrations[len(set.Migrations)-1].Path))
	if c.Table != "" {
		set.Count.Table = c.Table
	}
	if set.Count.Run == nil {
		set.Count.Run = func(*adapter.Migration) string { return adapter.MigrateCommand(a.Tool.Name) }
	}
	set.Beyond = func() (out []adapter.Beyond) {
		for _, m := range set.Migrations {
			out = append(out, adapter.Beyond{Path: m.Path, Key: set.Count.Key(m), What: "a program (JavaScript)"})
		}
		return out
	}
}

// endings matches the ending of a program's name, as a regular expression of Postgres.
const endings = `\.[cm]?[jt]s$`

var ending = lazyregexp.New(endings)

// TrimEnding returns a name without the ending of a program.
func TrimEnding(name string) string { return ending.ReplaceAllString(name, "") }

// ReadNames returns a query for a table with the file names of migrations in a column. A project in TypeScript that runs what a compiler made
// of it has the names of that, so a key has no ending.
func ReadNames(column string) func(table string) string {
	return func(table string) string {
		return "SELECT regexp_replace(" + column + ", " + pgparse.QuoteLiteral(endings) + ", ''), '', false FROM " + table
	}
}

// FileName returns the SQL of a migration's file name with the ending of the names in a table. order is the column that orders them; ending
// is for an empty table.
func FileName(table string, m *adapter.Migration, column, order, ending string) string {
	return pgparse.QuoteLiteral(TrimEnding(path.Base(m.Path))) + " || coalesce((SELECT coalesce(substring(" + column + " FROM " +
		pgparse.QuoteLiteral(endings) + "), '') FROM " + table + " ORDER BY " + order + " DESC LIMIT 1), " + pgparse.QuoteLiteral(ending) + ")"
}

// FileRow returns, for a column of file names, the condition for the row of a migration.
func FileRow(column string) func(m *adapter.Migration) string {
	return func(m *adapter.Migration) string {
		return "regexp_replace(" + column + ", " + pgparse.QuoteLiteral(endings) + ", '') = " + pgparse.QuoteLiteral(FileKey(m))
	}
}

// FileKey returns the key of a migration that is recorded by the name of its file.
func FileKey(m *adapter.Migration) string { return TrimEnding(path.Base(m.Path)) }

// TableSetting finds the tool's table in the settings of a project.
type TableSetting struct {
	// Table and Schema match the settings, with the name in the first group; nil for none.
	Table, Schema *lazyregexp.Regexp
	// Default is the tool's own name.
	Default string
}

// FindTable returns the table that files name, in SQL; "" if they name none.
func (s TableSetting) FindTable(files []*adapter.File) string {
	table, schema := "", ""
	for _, f := range files {
		if m := s.Table.FindStringSubmatch(f.Text); m != nil && table == "" {
			table = m[1]
		}
		if s.Schema == nil {
			continue
		}
		if m := s.Schema.FindStringSubmatch(f.Text); m != nil && schema == "" {
			schema = m[1]
		}
	}
	if table == "" && schema == "" {
		return ""
	}
	if table == "" {
		table = s.Default
	}
	if before, after, found := strings.Cut(table, "."); found && schema == "" {
		schema, table = before, after
	}
	if schema == "" {
		return pgparse.QuoteIdent(table)
	}
	return pgparse.QuoteIdent(schema) + "." + pgparse.QuoteIdent(table)
}
