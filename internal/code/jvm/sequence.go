package jvm

import (
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/source"
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

// readSequences records the sequences that entities take their keys from, as queries that read them.
func readSequences(r *source.File) {
	declared := map[string]bool{} // the generators whose sequence has another name
	for _, m := range generator.FindAllSubmatchIndex(r.Text, -1) {
		if lexer.IsInSpans(r.Comments, m[0]) {
			continue
		}
		head, arguments := string(r.Text[m[0]:m[2]]), string(r.Text[m[2]:m[3]])
		generator := annotationText(r, generatorName, arguments)
		sequence := annotationText(r, sequenceName, arguments)
		switch {
		case strings.Contains(head, "Parameter"):
			sequence = annotationText(r, sequenceValue, arguments)
		case sequence != "":
			declared[generator] = true
		case !declared[generator]:
			sequence = generator
		}
		schema := source.FirstGroup(schemaName, arguments)
		if before, after, ok := strings.Cut(sequence, "."); ok {
			schema, sequence = before, after
		}
		if sequence != "" {
			line := r.LineAt(m[0])
			r.Facts.Queries = append(r.Facts.Queries, facts.Query{Line: line, Relations: []facts.Relation{{Schema: schema, Name: sequence, Line: line}}})
		}
	}
}

// annotationText returns the value of an annotation's argument: a text, or a constant of the file; "" for none.
func annotationText(r *source.File, argument *lazyregexp.Regexp, arguments string) string {
	value := source.FirstGroup(argument, arguments)
	if text, quoted := strings.CutPrefix(value, `"`); quoted {
		return strings.TrimSuffix(text, `"`)
	}
	if value == "" {
		return ""
	}
	if indexes := r.FindConstant(value); len(indexes) == 1 {
		return string(r.Text[r.Strings[indexes[0]].From:r.Strings[indexes[0]].To])
	}
	return ""
}
