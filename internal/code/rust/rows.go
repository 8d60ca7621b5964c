package rust

import (
	"bytes"
	"cmp"
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// rustNull says whether a field of Rust takes NULL. sqlx and SeaORM read NULL into an Option only. The type of a
// generic field is not known.
func rustNull(line string) facts.Null {
	switch {
	case rsNullable.MatchString(line):
		return facts.NullTaken
	case rsGeneric.MatchString(line) || !rsType.MatchString(line):
		return facts.NullUnknown
	}
	return facts.NullFails
}

// dieselNull says whether a column of Diesel's table! takes NULL.
func dieselNull(line string) facts.Null {
	if rsNullable.MatchString(line) {
		return facts.NullTaken
	}
	return facts.NullFails
}

var (
	rsNullable = lazyregexp.New(`(?::|->)\s*(?:\w+::)*(?:Option|Nullable)\s*<`)
	rsGeneric  = lazyregexp.New(`:\s*(?:[A-Z]\d*|\w*(?:Option|Nullable|Maybe|PhantomData|HasOne|HasMany|BelongsTo)\w*(?:<.*>)?)\s*,`)
	rsType     = lazyregexp.New(`[^:]:\s*(?:\w+::)*\w+(?:<.*>)?\s*,`)
	rsFromRow  = lazyregexp.New(`^#\[derive\(.*\bFromRow\b`)
	rsRowName  = lazyregexp.New(`^#\[sqlx\(.*\brename\s*=\s*"(\w+)"`)
	rsRowSkips = lazyregexp.New(`^#\[sqlx\(.*\b(?:skip|flatten|default|json|try_from)\b`)
)

// ReadRows records the structs that sqlx reads rows into. query_as! needs no FromRow: such a struct counts only if a
// query names it.
func ReadRows(r *source.File) {
	if !bytes.Contains(r.Text, []byte("FromRow")) && !bytes.Contains(r.Text, []byte("query_as")) {
		return
	}
	var in *facts.Model
	derived, skips, column, level := false, false, "", 0
	r.EachDeclaration(rsOpens, func(n, indent int, line string) {
		switch {
		case line == "" || source.IsComment(line):
		case in == nil && strings.HasPrefix(line, "#["):
			derived = derived || rsFromRow.MatchString(line)
		case in == nil && rsStruct.MatchString(line):
			in, level = &facts.Model{Class: source.FirstGroup(rsStruct, line), Line: n, Guessed: !derived}, indent
			derived, column, skips = false, "", false
			if !strings.HasSuffix(line, "{") {
				in = nil
			}
		case in == nil:
			derived = false
		case indent <= level && strings.HasPrefix(line, "}"):
			r.Facts.Rows = append(r.Facts.Rows, *in)
			in = nil
		case strings.HasPrefix(line, "#["):
			column = cmp.Or(source.FirstGroup(rsRowName, line), column)
			skips = skips || rsRowSkips.MatchString(line)
		default:
			if f := source.FirstGroup(rsField, line); f != "" && !skips {
				in.Fields = append(in.Fields, facts.Field{Field: f, Column: column, Line: n, Null: rustNull(line)})
			}
			column, skips = "", false
		}
	})
}

// rsQueryAs matches the start of a call of sqlx that reads rows into a struct, up to its text.
var rsQueryAs = lazyregexp.New(`\bquery_(?:file_)?as(?:_unchecked)?!\s*\(\s*(?:\w+::)*(\w+)\s*(?:(?:::)?<[^()]*>)?\s*,\s*$|` +
	`\bquery_as(?:_with)?(?:::<[^()]*?,\s*(?:\w+::)*(\w+)\s*(?:<[^()]*>)?\s*,?\s*>)?\s*\(\s*$`)

// rowStruct returns the struct into which sqlx of Rust reads the rows of a query that begins at an offset; "" if no
// call names one there.
func rowStruct(r *source.File, offset int) string {
	if path.Ext(r.Path) != ".rs" {
		return ""
	}
	return source.FirstGroup(rsQueryAs, string(r.Text[max(0, offset-maxQueryAs):offset]))
}

// RecordRowStruct records the struct of the queries from an index on; their text begins with a string of the program.
func RecordRowStruct(r *source.File, queries, literal int) {
	if queries == len(r.Facts.Queries) {
		return
	}
	row := rowStruct(r, r.Strings[literal].Open)
	if row == "Self" {
		row = implementedType(r, r.Strings[literal].Open)
	}
	for i := queries; i < len(r.Facts.Queries); i++ {
		r.Facts.Queries[i].Row = row
	}
}

// rsImpl matches the head of an implementation, with its type after the last name.
var rsImpl = lazyregexp.New(`(?m)^\s*(?:unsafe\s+)?impl\b[^{};]*?(?:\bfor\s+|\s)(?:\w+::)*(\w+)\s*(?:<[^{};]*>)?\s*(?:where\b[^{};]*)?\{`)

// implementedType returns the type in whose implementation an offset is; "" if it is in none.
func implementedType(r *source.File, offset int) string {
	found := rsImpl.FindAllSubmatch(r.Text[:offset], -1)
	if len(found) == 0 {
		return ""
	}
	return string(found[len(found)-1][1])
}

// maxQueryAs is how much text before a query is searched for the call.
const maxQueryAs = 160
