package queries

import (
	"bytes"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Besides tables, code declares types and functions to its mapper or client by name:
// Diesel's sql_function!, SQLAlchemy's func.name(), Supabase's rpc('name').
var (
	mapperTypes = []typeDeclaration{
		{lexer.Rust, "type_name", lazyregexp.New(`\btype_name\s*=\s*"(?:(\w+)\.)?(\w+)"`)},
		{lexer.Rust, "postgres_type", lazyregexp.New(`\bpostgres_type\(\s*name\s*=\s*"(?:())(\w+)"`)},
	}
	mapperFunctions = []typeDeclaration{
		{lexer.Rust, "sql_function!", lazyregexp.New(`sql_function!\s*[{(]\s*(?:#\[[^\]]*\]\s*)*(?:())fn\s+(\w+)`)},
		{lexer.Python, "func.", lazyregexp.New(`\b(?:sa\.|sqlalchemy\.)?func\.(?:(\w+)\.)?(\w+)\(`)},
		{nil, ".rpc(", lazyregexp.New(`\.rpc\(\s*(?:())["'](\w+)["']`)},
		{lexer.Python, "Func(", lazyregexp.New(`\bfunction\s*=\s*(?:())["'](\w+)["']`)},
	}
)

// typeDeclaration is a language (nil for all), a text that every match contains, and a pattern with a schema and a name.
type typeDeclaration struct {
	language *lexer.Language
	sign     string
	pattern  *lazyregexp.Regexp
}

// RecordDeclarations records the types and functions that the file declares to its mapper.
func RecordDeclarations(r *source.File) {
	if r.Language == nil {
		return
	}
	q := facts.Query{}
	q.Types = findDeclaredRelations(r, mapperTypes)
	for _, n := range findDeclaredRelations(r, mapperFunctions) {
		q.Functions = append(q.Functions, facts.FunctionCall{Relation: n})
	}
	if len(q.Types)+len(q.Functions) > 0 {
		r.Facts.Queries = append(r.Facts.Queries, q)
	}
}

func findDeclaredRelations(r *source.File, list []typeDeclaration) []facts.Relation {
	var out []facts.Relation
	for _, t := range list {
		if t.language != nil && t.language != r.Language || !bytes.Contains(r.Text, []byte(t.sign)) {
			continue
		}
		for _, m := range t.pattern.FindAllSubmatchIndex(r.Text, -1) {
			out = append(out, facts.Relation{Schema: r.GroupText(m, 1), Name: r.GroupText(m, 2), Line: r.LineAt(m[0])})
		}
	}
	return out
}
