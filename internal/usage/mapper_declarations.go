package usage

import (
	"bytes"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Besides tables, code declares types and functions to its mapper or client by name:
// Diesel's sql_function!, SQLAlchemy's func.name(), Supabase's rpc('name').
var (
	mapperTypes = []typeDeclaration{
		{rust, "type_name", lazyregexp.New(`\btype_name\s*=\s*"(?:(\w+)\.)?(\w+)"`)},
		{rust, "postgres_type", lazyregexp.New(`\bpostgres_type\(\s*name\s*=\s*"(?:())(\w+)"`)},
	}
	mapperFunctions = []typeDeclaration{
		{rust, "sql_function!", lazyregexp.New(`sql_function!\s*[{(]\s*(?:#\[[^\]]*\]\s*)*(?:())fn\s+(\w+)`)},
		{python, "func.", lazyregexp.New(`\b(?:sa\.|sqlalchemy\.)?func\.(?:(\w+)\.)?(\w+)\(`)},
		{nil, ".rpc(", lazyregexp.New(`\.rpc\(\s*(?:())["'](\w+)["']`)},
		{python, "Func(", lazyregexp.New(`\bfunction\s*=\s*(?:())["'](\w+)["']`)},
	}
)

// typeDeclaration is a language (nil for all), a text that every match contains, and a pattern with a schema and a name.
type typeDeclaration struct {
	language *dialect
	sign     string
	pattern  *lazyregexp.Regexp
}

// recordDeclarations records the types and functions that the file declares to its mapper.
func (r *reader) recordDeclarations() {
	if r.d == nil {
		return
	}
	q := Query{}
	q.Types = r.namedRelations(mapperTypes)
	q.Functions = r.namedRelations(mapperFunctions)
	if len(q.Types)+len(q.Functions) > 0 {
		r.facts.Queries = append(r.facts.Queries, q)
	}
}

func (r *reader) namedRelations(list []typeDeclaration) []Relation {
	var out []Relation
	for _, t := range list {
		if t.language != nil && t.language != r.d || !bytes.Contains(r.text, []byte(t.sign)) {
			continue
		}
		for _, m := range t.pattern.FindAllSubmatchIndex(r.text, -1) {
			out = append(out, Relation{Schema: r.groupText(m, 1), Name: r.groupText(m, 2), Line: r.lineAt(m[0])})
		}
	}
	return out
}

func (r *reader) groupText(m []int, i int) string {
	if m[2*i] < 0 {
		return ""
	}
	return string(r.text[m[2*i]:m[2*i+1]])
}
