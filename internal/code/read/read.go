package read

import (
	"bytes"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/golang"
	"github.com/onward-sql/onward/internal/code/jvm"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/queries"
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
