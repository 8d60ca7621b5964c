package usage

import (
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// JPA's generators of keys name their sequence: @SequenceGenerator by sequenceName, and if that is missing, Hibernate
// takes the name of the generator. @GeneratedValue names a generator, which need not be declared.
var (
	generator     = lazyregexp.New(`@(?:\w+[.:])*(?:SequenceGenerator|GeneratedValue|Parameter)\s*\(([^()]*)\)`)
	sequenceName  = lazyregexp.New(`\bsequenceName\s*=\s*("[^"]*"|[\w.]+)`)
	generatorName = lazyregexp.New(`\b(?:name|generator)\s*=\s*("[^"]*"|[\w.]+)`)
	sequenceValue = lazyregexp.New(`\bname\s*=\s*"(?:sequence_name|sequence)"\s*,\s*value\s*=\s*("[^"]*"|[\w.]+)`)
	schemaName    = lazyregexp.New(`\bschema\s*=\s*"(\w+)"`)
)

// jvmSequences records the sequences that entities take their keys from, as queries that read them.
func jvmSequences(r *reader) {
	declared := map[string]bool{} // the generators whose sequence has another name
	for _, m := range generator.FindAllSubmatchIndex(r.text, -1) {
		if isInSpans(r.notes, m[0]) {
			continue
		}
		head, arguments := string(r.text[m[0]:m[2]]), string(r.text[m[2]:m[3]])
		generator := r.annotationText(generatorName, arguments)
		named := r.annotationText(sequenceName, arguments)
		switch {
		case strings.Contains(head, "Parameter"):
			named = r.annotationText(sequenceValue, arguments)
		case named != "":
			declared[generator] = true
		case !declared[generator]:
			named = generator
		}
		schema := firstGroup(schemaName, arguments)
		if before, after, ok := strings.Cut(named, "."); ok {
			schema, named = before, after
		}
		if named != "" {
			line := r.lineAt(m[0])
			r.facts.Queries = append(r.facts.Queries, Query{Line: line, Relations: []Relation{{Schema: schema, Name: named, Line: line}}})
		}
	}
}

// annotationText returns the value of an annotation's argument: a text, or a constant of the file; "" for none.
func (r *reader) annotationText(argument *lazyregexp.Regexp, arguments string) string {
	value := firstGroup(argument, arguments)
	if text, quoted := strings.CutPrefix(value, `"`); quoted {
		return strings.TrimSuffix(text, `"`)
	}
	if value == "" {
		return ""
	}
	if of := r.constOf(value); len(of) == 1 {
		return string(r.text[r.lits[of[0]].from:r.lits[of[0]].to])
	}
	return ""
}
