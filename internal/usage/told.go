package usage

import (
	"bytes"
	"regexp"
)

// Besides tables, code tells its mapper or client of types and functions by their
// names: Diesel's sql_function!, SQLAlchemy's func.name(), Supabase's rpc('name').
var (
	toldTypes = []told{
		{"type_name", regexp.MustCompile(`\btype_name\s*=\s*"(?:(\w+)\.)?(\w+)"`)},
		{"postgres_type", regexp.MustCompile(`\bpostgres_type\(\s*name\s*=\s*"(?:())(\w+)"`)},
	}
	toldFunctions = []told{
		{"sql_function!", regexp.MustCompile(`sql_function!\s*[{(]\s*(?:#\[[^\]]*\]\s*)*(?:())fn\s+(\w+)`)},
		{"func.", regexp.MustCompile(`\b(?:sa\.|sqlalchemy\.)?func\.(?:(\w+)\.)?(\w+)\(`)},
		{".rpc(", regexp.MustCompile(`\.rpc\(\s*(?:())["'](\w+)["']`)},
		{"Func(", regexp.MustCompile(`\bfunction\s*=\s*(?:())["'](\w+)["']`)},
	}
)

// told is a text without which a pattern matches nothing, and the pattern of a schema
// and a name.
type told struct {
	sign    string
	pattern *regexp.Regexp
}

// told notes the types and functions that the file tells its mapper of.
func (r *reader) told() {
	if r.d == nil {
		return
	}
	q := Query{}
	q.Types = r.names(toldTypes)
	q.Functions = r.names(toldFunctions)
	if len(q.Types)+len(q.Functions) > 0 {
		r.facts.Queries = append(r.facts.Queries, q)
	}
}

func (r *reader) names(list []told) []Relation {
	var out []Relation
	for _, t := range list {
		if !bytes.Contains(r.text, []byte(t.sign)) {
			continue
		}
		for _, m := range t.pattern.FindAllSubmatchIndex(r.text, -1) {
			out = append(out, Relation{Schema: r.group(m, 1), Name: r.group(m, 2), Line: r.lineAt(m[0])})
		}
	}
	return out
}

func (r *reader) group(m []int, i int) string {
	if m[2*i] < 0 {
		return ""
	}
	return string(r.text[m[2*i]:m[2*i+1]])
}
