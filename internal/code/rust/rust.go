// Package rust reads what Rust declares to a mapper: Diesel, SeaORM and sqlx.
package rust

import (
	"bytes"
	"cmp"
	"path"
	"strings"
	"unicode"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Readers are the readers of the language's files.
var Readers = []source.Reader{
	{Endings: []string{".rs"}, Signs: []string{"table!", "table_name", "#[table"}, Read: readRustModels},
	{Endings: []string{".rs"}, Signs: []string{"enum "}, Read: readRustEnums},
}

// Rust: Diesel's table! lists the columns that each query selects; SeaORM's entities.
var (
	rsTable  = lazyregexp.New(`^(?:diesel::)?table!\s*\{`)
	rsNamed  = lazyregexp.New(`^(?:(\w+)\.)?(\w+)\s*\([\w, ]*\)\s*\{`)
	rsColumn = lazyregexp.New(`^(\w+)\s*->`)
	rsRename = lazyregexp.New(`^#\[sql_name\s*=\s*"(\w+)"\]`)
	rsSea    = lazyregexp.New(`^#\[(?:cfg_attr\(.*?,\s*)?(?:sea_orm\(.*?table_name\s*=\s*"([\w.]+)"|diesel\(.*?table_name\s*=\s*"?([\w:]+)"?|table\("([\w.]+)"\)|table_name\s*=\s*"([\w.]+)")`)
	rsStruct = lazyregexp.New(`^pub(?:\([^)]*\))?\s+struct\s+(\w+)|^struct\s+(\w+)`)
	rsField  = lazyregexp.New(`^(?:pub(?:\([^)]*\))?\s+)?(?:r#)?(\w+)\s*:`)
	rsOpens  = lazyregexp.New(`^#\[`)
	rsName   = lazyregexp.New(`\bcolumn_name\s*=\s*"?(\w+)"?`)
)

func readRustModels(r *source.File) {
	var in *facts.Model
	macro, renamed, began, level := false, "", false, 0
	r.EachDeclaration(rsOpens, func(n, indent int, line string) {
		if line == "" || strings.HasPrefix(line, "//") {
			return
		}
		switch {
		case rsTable.MatchString(line):
			macro, in = true, nil
		case macro && in == nil && rsNamed.MatchString(line):
			m := rsNamed.FindStringSubmatch(line)
			in = &facts.Model{Schema: m[1], Table: m[2], Line: n}
			if renamed != "" {
				in.Table, renamed = renamed, ""
			}
		case macro && rsRename.MatchString(line):
			renamed = source.FirstGroup(rsRename, line)
		case macro && in != nil && line == "}":
			r.AddModel(in)
			in, macro = nil, false
		case macro && in != nil:
			if c := source.FirstGroup(rsColumn, line); c != "" {
				column := c
				if renamed != "" {
					column, renamed = renamed, ""
				}
				in.Fields = append(in.Fields, facts.Field{Field: c, Column: column, Line: n, Null: dieselNull(line)})
			}
		case macro && indent == 0 && line == "}":
			macro = false
		case !macro && rsSea.MatchString(line):
			t := source.FirstGroup(rsSea, line)
			if i := strings.LastIndexByte(t, ':'); i >= 0 {
				t = t[i+1:]
			}
			in, began = &facts.Model{Table: t, Line: n}, false
		case !macro && in != nil && rsStruct.MatchString(line):
			in.Class, began, level = source.FirstGroup(rsStruct, line), true, indent
		case !macro && in != nil && began && indent <= level && strings.HasPrefix(line, "}"):
			r.AddModel(in)
			in = nil
		case !macro && in != nil && began:
			if c := source.FirstGroup(rsName, line); c != "" {
				renamed = c
			}
			if strings.HasPrefix(line, "#[") {
				return
			}
			if f := source.FirstGroup(rsField, line); f != "" {
				in.Fields = append(in.Fields, facts.Field{Field: f, Column: renamed, Line: n, Null: rustNull(line)})
				renamed = ""
			}
		}
	})
}

// Rust's enums: an attribute's rule, or a text of its own, gives the label of a variant.
// sqlx, Diesel, SeaORM and serde have different attributes for it.
var (
	rustEnum   = lazyregexp.New(`^enum\s+(\w+)\s*\{`)
	rustRule   = lazyregexp.New(`\b(?:rename_all|serialize_all|DbValueStyle)\s*=\s*"([\w-]+)"`)
	rustOwn    = lazyregexp.New(`#\[sqlx\([^\]]*\brename_all\s*=\s*"([\w-]+)"`)
	rustType   = lazyregexp.New(`\b(?:type_name|enum_name)\s*=\s*"(?:\w+\.)?(\w+)"|\bExistingTypePath\s*=\s*"(?:\w+::)*(\w+)"`)
	rustText   = lazyregexp.New(`\b(?:rename|db_rename|string_value|serialize)\s*=\s*"([^"\n]*)"`)
	rustAbove  = lazyregexp.New(`^(?:#!?\[|//|\)\]|pub\b|[\w(]+\s*=)`)
	rustLabels = lazyregexp.New(`^(?:\s|//[^\n]*|#\[(?:[^\[\]"]|"[^"\n]*"|\[[^\]]*\])*\])*([A-Z]\w*)`)
)

func readRustEnums(r *source.File) {
	r.EachMatch("enum ", rustEnum, func(offset int, m []int) {
		if r.IsInString(offset) || source.IsComment(r.LineOf(offset)) {
			return
		}
		attributes := r.Text[attributesStart(r, offset):offset]
		e := facts.Enum{Class: r.GroupText(m, 1), Line: r.LineAt(offset)}
		if t := rustType.FindSubmatch(attributes); t != nil {
			e.Class = string(t[1]) + string(t[2])
		}
		style := firstMatch(attributes, rustOwn, rustRule)
		if style == "" && bytes.Contains(attributes, []byte("DbEnum")) {
			style = "snake_case" // Diesel's default
		}
		r.EachEntry(m[1], func(from, to int, _ string) bool {
			if n := rustLabels.FindSubmatchIndex(r.Text[from:to]); n != nil {
				variant := string(r.Text[from+n[2] : from+n[3]])
				text := firstMatch(r.Text[from:from+n[2]], rustText)
				if text == "" {
					text = applyRenaming(variant, style)
				}
				e.Labels = append(e.Labels, r.MakeLabel(variant, text, from+n[2]))
			}
			return len(e.Labels) <= source.MaxLabels
		})
		r.AddEnum(e)
	})
}

// attributesStart returns the start of the attribute lines above an offset.
func attributesStart(r *source.File, offset int) int {
	from := bytes.LastIndexByte(r.Text[:offset], '\n') + 1
	for from > 0 {
		lineStart := bytes.LastIndexByte(r.Text[:from-1], '\n') + 1
		if !rustAbove.Match(bytes.TrimSpace(r.Text[lineStart : from-1])) {
			break
		}
		from = lineStart
	}
	return from
}

// firstMatch returns the first group of the first pattern that matches a text; "" for none.
func firstMatch(text []byte, patterns ...*lazyregexp.Regexp) string {
	for _, p := range patterns {
		if m := p.FindSubmatch(text); m != nil {
			return string(m[1])
		}
	}
	return ""
}

// applyRenaming returns the name of a variant, converted by a renaming rule; "" for no rule.
func applyRenaming(variant, style string) string {
	var words []string
	from := 0
	for i, c := range variant {
		if i > 0 && unicode.IsUpper(c) {
			words, from = append(words, variant[from:i]), i
		}
	}
	words = append(words, variant[from:])
	snake := strings.ToLower(strings.Join(words, "_"))
	switch style {
	case "lowercase":
		return strings.ToLower(variant)
	case "UPPERCASE":
		return strings.ToUpper(variant)
	case "snake_case":
		return snake
	case "SCREAMING_SNAKE_CASE":
		return strings.ToUpper(snake)
	case "kebab-case":
		return strings.ReplaceAll(snake, "_", "-")
	case "SCREAMING-KEBAB-CASE":
		return strings.ToUpper(strings.ReplaceAll(snake, "_", "-"))
	case "camelCase":
		return strings.ToLower(words[0]) + strings.Join(words[1:], "")
	}
	return ""
}

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

// typeOf matches the types of sqlx that belong to one database.
var typeOf = lazyregexp.New(`\b(?:(Pg(?:Pool|Connect|Row|Connection|Listener|Executor)|Postgres\b|sqlx::postgres\b)|` +
	`(Sqlite(?:Pool|Connect|Row|Connection)|Sqlite\b|sqlx::sqlite\b)|` +
	`(MySql(?:Pool|Connect|Row|Connection)|MySql\b|sqlx::mysql\b))`)

// FindDatabase returns the database, "" for Postgres, whose types are the only ones that a Rust text uses. sure is false if it
// uses none, or types from several databases.
func FindDatabase(text string) (database string, sure bool) {
	if !strings.Contains(text, "sqlx") { // another library's type may have the same name
		return "", false
	}
	var postgres, lite, mysql bool
	for _, m := range typeOf.FindAllStringSubmatch(text, -1) {
		postgres, lite, mysql = postgres || m[1] != "", lite || m[2] != "", mysql || m[3] != ""
	}
	switch {
	case postgres && !lite && !mysql:
		return "", true
	case lite && !postgres && !mysql:
		return "SQLite", true
	case mysql && !postgres && !lite:
		return "MySQL", true
	}
	return "", false
}

// NamesDatabase reports whether a text uses types of sqlx that belong to one database.
func NamesDatabase(text string) bool {
	return strings.Contains(text, "sqlx") && typeOf.MatchString(text)
}
