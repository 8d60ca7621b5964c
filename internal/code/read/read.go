// Package read reads one file of deployed code into facts, with the package of its language.
//
// [Read] parses the SQL in strings and query files, and reads what the file declares to a mapper. The facts depend on nothing
// else, so they may be cached. A word somewhere in the code is no use of the database.
package read

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/code/dotnet"
	"github.com/onward-sql/onward/internal/code/elixir"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/golang"
	"github.com/onward-sql/onward/internal/code/graphql"
	"github.com/onward-sql/onward/internal/code/hasura"
	"github.com/onward-sql/onward/internal/code/javascript"
	"github.com/onward-sql/onward/internal/code/jvm"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/php"
	"github.com/onward-sql/onward/internal/code/prisma"
	"github.com/onward-sql/onward/internal/code/python"
	"github.com/onward-sql/onward/internal/code/queries"
	"github.com/onward-sql/onward/internal/code/ruby"
	"github.com/onward-sql/onward/internal/code/rust"
	"github.com/onward-sql/onward/internal/code/source"
)

// Version is the version of Read's results: cached facts of another version are read
// again.
const Version = "38"

// Read reads one file of the code. It never fails: code that it does not understand gives no
// facts. If onward itself fails, it returns no facts but Fault.
func Read(file string, text []byte) *facts.Facts {
	r := source.NewFile(file, text)
	if r.Language == lexer.Rust {
		if database, sure := rust.FindDatabase(string(text)); sure && database != "" {
			return &facts.Facts{OtherDatabase: true}
		}
	}
	failed := source.CatchPanic(func() {
		if readSQL(r); r.Language != nil {
			queries.RecordConstantCalls(r)
			queries.RecordConstantAliases(r)
			recordStructs(r)
		}
		readDeclarations(r)
		queries.RecordDeclarations(r)
		queries.RecordUpserts(r)
		queries.RecordRowComparisons(r)
		queries.RecordBuilds(r)
	})
	if failed != "" {
		return &facts.Facts{Fault: failed}
	}
	return r.Facts
}

// readSQL reads the SQL of the file.
func readSQL(r *source.File) {
	switch {
	case r.Language != nil:
		r.TypedEnd = queries.FindTypedCodeEnd(r)
		readProgram(r)
	case source.IsQueryFile(r.Path):
		readQueryFile(r)
	case jvm.IsMyBatisFile(r.Path):
		jvm.ReadMyBatis(r)
	}
}

// readProgram reads the strings of a program.
func readProgram(r *source.File) {
	r.Strings, r.Comments = lexer.CutStrings(r.Text, r.Language)
	if r.Language == lexer.Go {
		r.Fills = golang.FindFormatArguments(r)
	}
	queries.EachString(r, func(l lexer.String) {
		recordShortText(r, l)
		queries.ReadFragment(r, l)
	}, func(from, to int, s *queries.Text) {
		recordShortText(r, r.Strings[from])
		first, before := len(r.Facts.AllColumnsQueries), len(r.Facts.Queries)
		r.SQLEnd = r.Strings[to].End
		queries.RecordStatements(r, s)
		rust.RecordRowStruct(r, before, from)
		queries.RecordTargets(r, first, from, to)
	})
}

// recordShortText records a text that may be a name or a value.
func recordShortText(r *source.File, l lexer.String) {
	n := l.To - l.From
	if n == 0 || n > facts.MaxConstant || bytes.IndexByte(r.Text[l.From:l.To], '\n') >= 0 {
		return
	}
	r.Facts.Strings = append(r.Facts.Strings, facts.String{Mark: facts.HashText(string(r.Text[l.From:l.To])), Line: r.LineAt(l.From)})
	if !l.Symbol && lexer.NameLength(r.Text[l.From:l.To]) > 0 {
		queries.RecordMapperCall(r, l)
		queries.RecordConstant(r, l)
	}
}

// readQueryFile reads a file of SQL.
func readQueryFile(r *source.File) {
	s := &queries.Text{}
	s.AddString(r.Text, lexer.String{From: 0, To: len(r.Text)}, nil)
	queries.RecordStatements(r, s)
}

// languages are the readers of each language.
var languages = [][]source.Reader{
	golang.Readers,
	python.Readers,
	javascript.Readers,
	prisma.Readers,
	hasura.Readers,
	graphql.Readers,
	ruby.Readers,
	elixir.Readers,
	jvm.Readers,
	dotnet.Readers,
	rust.Readers,
	php.Readers,
}

// readDeclarations reads what the file declares to its mapper, and its classes of constants.
func readDeclarations(r *source.File) {
	ext := path.Ext(r.Path)
	hasSign := func(sign string) bool { return bytes.Contains(r.Text, []byte(sign)) }
	for _, readers := range languages {
		for _, x := range readers {
			if slices.Contains(x.Endings, ext) && (x.Signs == nil || slices.ContainsFunc(x.Signs, hasSign)) {
				x.Read(r)
			}
		}
	}
}

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

// recordStructs records whether a file uses sqlx, and its structs.
func recordStructs(r *source.File) {
	switch {
	case r.Language == lexer.Rust:
		r.Facts.Sqlx = bytes.Contains(r.Text, []byte("sqlx::"))
		rust.ReadRows(r)
	case r.Language == lexer.Go:
		r.Facts.Sqlx = bytes.Contains(r.Text, []byte(`"github.com/jmoiron/sqlx"`))
		r.Facts.Lax = bytes.Contains(r.Text, []byte(".Unsafe()"))
		golang.ReadStructs(r)
	}
}

// ReadRows reads the structs that sqlc generates for the rows of tables, in a file that is otherwise not read: it is no
// code of the project's own.
func ReadRows(file string, text []byte) *facts.Facts {
	if path.Ext(file) != ".go" || !bytes.HasPrefix(bytes.TrimSpace(text), golang.SqlcMark) {
		return &facts.Facts{}
	}
	r := source.NewFile(file, text)
	if failed := source.CatchPanic(func() { golang.ReadGeneratedRows(r) }); failed != "" {
		return &facts.Facts{Fault: failed}
	}
	return r.Facts
}
