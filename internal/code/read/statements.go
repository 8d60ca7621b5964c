package read

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/queries"
	"github.com/onward-sql/onward/internal/code/source"
)

// Statements returns the statements in one file of the code that work on rows. An SQL file
// that creates a schema is a script, and no code: it has none. If onward itself fails on a
// file, it returns one statement that is not understood.
func Statements(file string, text []byte) []facts.Statement {
	r := source.NewFile(file, text)
	r.KeepStatements = true
	if failed := source.CatchPanic(func() { readSQL(r) }); failed != "" {
		return []facts.Statement{{Line: 1, Open: true, Fault: failed}}
	}
	if r.Language == nil && r.CreatesSchema {
		return nil
	}
	if source.IsQueryFile(file) {
		r.Statements = slices.DeleteFunc(r.Statements, insertsLiteralRows)
	}
	return r.Statements
}

// insertsLiteralRows reports whether a statement of an SQL file inserts rows that are written in it: a
// program's own INSERT has parameters.
func insertsLiteralRows(s facts.Statement) bool {
	const verb = "INSERT"
	return len(s.SQL) > len(verb) && strings.EqualFold(s.SQL[:len(verb)], verb) && !strings.Contains(s.SQL, "$") && queries.ContainsFold([]byte(s.SQL), "values")
}
