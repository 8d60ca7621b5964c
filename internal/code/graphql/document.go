// Package graphql reads the tables and columns that GraphQL documents name in the form of an API that is generated from the schema.
package graphql

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Readers are the readers of documents, in files of their own and in programs.
var Readers = []source.Reader{
	{Endings: fileEndings, Read: readFile},
	{
		Endings: []string{".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts", ".vue", ".svelte", ".py"},
		Signs:   []string{"gql", "graphql", "GraphQL"}, Read: readProgramStrings,
	},
}

var fileEndings = []string{".graphql", ".gql"}

// IsDocument reports whether a file is a GraphQL document.
func IsDocument(file string) bool {
	return slices.ContainsFunc(fileEndings, func(end string) bool { return strings.HasSuffix(file, end) })
}

func readFile(r *source.File) { readDocument(r, 0, len(r.Text)) }

func readProgramStrings(r *source.File) {
	for _, s := range r.Strings {
		if operation.Match(r.Text[s.From:s.To]) {
			readDocument(r, s.From, s.To)
		}
	}
}

var (
	// operation matches the beginning of a document.
	operation = lazyregexp.New(`^\s*(?:#[^\n]*\n\s*)*(?:query|mutation|subscription|fragment)\b|^\s*\{\s*\w+`)
	// generated matches what only the API that Hasura generates from a schema has: its operators, arguments and fields.
	generated = lazyregexp.New(`\b_(?:eq|neq|in|nin|gt|gte|lt|lte|ilike|like|is_null|and|or|set|inc)\b|\b\w+_(?:by_pk|aggregate)\b|` +
		`\binsert_\w+|\bon_conflict\b|\border_by\b`)
	token = lazyregexp.New(`#[^\n]*|"""(?s:.*?)"""|"(?:\\.|[^"\\\n])*"|\$?\w+|@\w+|\.\.\.|[{}()\[\]:]`)
)

// document is a document while it is read.
type document struct {
	file   *source.File
	tokens []lexeme
	next   int
}

type lexeme struct {
	text string
	at   int
}

// maxDepth bounds nested selections and values.
const maxDepth = 50

// readDocument records the tables and columns of a part of a file.
func readDocument(r *source.File, from, to int) {
	text := r.Text[from:to]
	if !generated.Match(text) {
		return
	}
	d := &document{file: r}
	for _, m := range token.FindAllIndex(text, -1) {
		if t := string(text[m[0]:m[1]]); t[0] != '#' && t[0] != '"' {
			d.tokens = append(d.tokens, lexeme{t, from + m[0]})
		}
	}
	for d.next < len(d.tokens) {
		switch word := d.takeToken(); word.text {
		case "query", "mutation", "subscription":
			for d.next < len(d.tokens) && d.peekText() != "{" {
				if d.takeToken().text == "(" {
					d.next--
					d.skipBrackets()
				}
			}
			d.readRootSelection()
		case "{":
			d.next--
			d.readRootSelection()
		case "fragment":
			d.readFragment()
		case "type", "input", "interface", "enum", "union", "scalar", "schema", "extend", "directive":
			return // a schema: nothing asks for it
		}
	}
}

func (d *document) peekText() string {
	if d.next < len(d.tokens) {
		return d.tokens[d.next].text
	}
	return ""
}

func (d *document) takeToken() lexeme {
	d.next++
	return d.tokens[d.next-1]
}

// skipBrackets skips a part in brackets.
func (d *document) skipBrackets() {
	for depth := 0; d.next < len(d.tokens); {
		switch d.takeToken().text {
		case "(", "{", "[":
			depth++
		case ")", "}", "]":
			if depth--; depth <= 0 {
				return
			}
		}
	}
}

// readRootSelection reads the selection of an operation: each field is a table's.
func (d *document) readRootSelection() {
	if d.peekText() != "{" {
		return
	}
	d.takeToken()
	for d.next < len(d.tokens) && d.peekText() != "}" {
		field, ok := d.takeField()
		if !ok {
			continue
		}
		t := &table{document: d, call: facts.Call{Table: "public." + tableOfField(field.text), Line: d.file.LineAt(field.at), How: facts.Maps}}
		t.readField(field.text, 0)
		d.file.Facts.Calls = append(d.file.Facts.Calls, t.call)
	}
	d.next++
}

// readFragment reads a fragment on a table's type.
func (d *document) readFragment() {
	var last lexeme
	for d.next < len(d.tokens) && d.peekText() != "{" {
		last = d.takeToken()
	}
	if last.text == "" || d.next >= len(d.tokens) {
		return
	}
	t := &table{document: d, call: facts.Call{Table: "public." + last.text, Line: d.file.LineAt(last.at), How: facts.Maps}}
	t.readSelection(0)
	d.file.Facts.Calls = append(d.file.Facts.Calls, t.call)
}

// takeField takes a field without its alias. ok is false for other parts of a selection, which it skips.
func (d *document) takeField() (field lexeme, ok bool) {
	field = d.takeToken()
	switch {
	case field.text == "...":
		if d.peekText() == "on" {
			d.next += 2
		} else if d.peekText() != "{" {
			d.next++
		}
		if d.peekText() == "{" {
			d.skipBrackets()
		}
		return field, false
	case field.text[0] == '@':
		if d.peekText() == "(" {
			d.skipBrackets()
		}
		return field, false
	case !isWord(field.text):
		return field, false
	}
	if d.peekText() == ":" && d.next+1 < len(d.tokens) {
		d.takeToken()
		field = d.takeToken()
	}
	return field, isWord(field.text)
}

func isWord(text string) bool {
	c := text[0]
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// tableOfField returns the table of a field: insert_users_one is of users.
func tableOfField(field string) string {
	for _, verb := range []string{"insert_", "update_", "delete_"} {
		if rest, ok := strings.CutPrefix(field, verb); ok {
			field = rest
			break
		}
	}
	for _, end := range []string{"_by_pk", "_one", "_many", "_aggregate", "_stream"} {
		if rest, ok := strings.CutSuffix(field, end); ok {
			return rest
		}
	}
	return field
}

// table collects the columns of one table.
type table struct {
	*document
	call facts.Call
}

func (t *table) recordColumn(l lexeme) {
	if !strings.HasPrefix(l.text, "__") {
		t.call.Words = append(t.call.Words, facts.Word{Mark: facts.HashText(l.text), Line: t.file.LineAt(l.at)})
	}
}

// readField reads the arguments and the selection of a field that is the table's.
func (t *table) readField(name string, depth int) {
	if t.peekText() == "(" {
		t.readArguments(strings.HasSuffix(name, "_by_pk"))
	}
	if t.peekText() == "{" {
		t.readSelection(depth)
	}
}

// sameTable are fields whose selection has columns of the table, too.
var sameTable = []string{"returning", "nodes", "aggregate", "sum", "avg", "max", "min"}

// readSelection reads the columns of a selection. A field with a selection of its own is another table's.
func (t *table) readSelection(depth int) {
	if t.peekText() != "{" || depth > maxDepth {
		return
	}
	t.takeToken()
	for t.next < len(t.tokens) && t.peekText() != "}" {
		field, ok := t.takeField()
		switch {
		case !ok:
		case slices.Contains(sameTable, field.text) && (t.peekText() == "{" || t.peekText() == "("):
			t.readField(field.text, depth+1)
		case t.peekText() == "(" || t.peekText() == "{":
			if t.peekText() == "(" {
				t.skipBrackets()
			}
			if t.peekText() == "{" {
				t.skipBrackets()
			}
		case field.text != "affected_rows" && field.text != "count":
			t.recordColumn(field)
		}
	}
	t.next++
}

// readArguments reads arguments. Those of a field by key are columns.
func (t *table) readArguments(byKey bool) {
	t.takeToken()
	for t.next < len(t.tokens) && t.peekText() != ")" {
		name := t.takeToken()
		if t.peekText() != ":" {
			continue
		}
		t.takeToken()
		switch name.text {
		case "where", "order_by", "_set", "_inc", "object", "objects", "pk_columns", "_append", "_prepend":
			t.readValue(name.text == "where", 0)
		case "distinct_on":
			t.readColumnNames()
		case "limit", "offset", "on_conflict", "updates":
			t.skipValue()
		default:
			if t.skipValue(); byKey {
				t.recordColumn(name)
			}
		}
	}
	t.next++
}

func (t *table) skipValue() {
	if p := t.peekText(); p == "{" || p == "[" {
		t.skipBrackets()
	} else {
		t.next++
	}
}

// readColumnNames records a name, or each of a list.
func (t *table) readColumnNames() {
	if t.peekText() != "[" {
		if l := t.takeToken(); isWord(l.text) {
			t.recordColumn(l)
		}
		return
	}
	for t.next < len(t.tokens) && t.peekText() != "]" {
		if l := t.takeToken(); isWord(l.text) {
			t.recordColumn(l)
		}
	}
	t.next++
}

// readValue records the keys of an object, or of each object of a list, that are columns: in a condition those whose value compares,
// elsewhere those without an object.
func (t *table) readValue(condition bool, depth int) {
	switch {
	case depth > maxDepth || t.next >= len(t.tokens):
		t.next = len(t.tokens)
	case t.peekText() == "[":
		t.takeToken()
		for t.next < len(t.tokens) && t.peekText() != "]" {
			t.readValue(condition, depth+1)
		}
		t.next++
	case t.peekText() == "{":
		t.takeToken()
		for t.next < len(t.tokens) && t.peekText() != "}" {
			key := t.takeToken()
			if t.peekText() != ":" {
				continue
			}
			t.takeToken()
			switch {
			case key.text == "_and" || key.text == "_or" || key.text == "_not":
				t.readValue(condition, depth+1)
				continue
			case condition && t.isNextComparison(), !condition && t.peekText() != "{":
				t.recordColumn(key)
			}
			t.skipValue()
		}
		t.next++
	default:
		t.next++
	}
}

// isNextComparison reports whether the next value compares a column: {_eq: 1}.
func (t *table) isNextComparison() bool {
	if t.peekText() != "{" || t.next+1 >= len(t.tokens) {
		return false
	}
	operator := t.tokens[t.next+1].text
	return operator[0] == '_' && !slices.Contains([]string{"_and", "_or", "_not", "_exists"}, operator)
}
