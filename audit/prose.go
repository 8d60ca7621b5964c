package audit

import (
	"path"
	"regexp"
	"strings"

	"github.com/onward-sql/onward/internal/gitrange"
)

// sqlish is what a text of SQL has and a message to people has not: "from" and
// "where" are words of both. Braces put values into a text.
var sqlish = regexp.MustCompile(`\b(?:SELECT|INSERT|UPDATE|DELETE|TRUNCATE|MERGE|TABLE|FROM|WHERE|JOIN|HAVING|RETURNING|VALUES|ALTER)\b|[=<>{}]|` +
	`(?i:\b(?:select\b.*\bfrom|insert\s+into|update\b.*\bset|delete\s+from|merge\s+into|truncate|(?:alter|truncate|lock)\s+table|(?:inner|left|right|cross|outer)\s+join|returning|(?:order|group)\s+by)\b)`)

// prose reports whether a word stands nowhere in its line but in messages: "must
// set the schema or change history id as the target" uses no column id.
func prose(h gitrange.Hit) bool {
	if len(h.Word) == 0 || strings.ContainsRune(h.Word, '_') {
		return false
	}
	seen := false
	quote, start := byte(0), 0
	for i := 0; i < len(h.Text); i++ {
		switch c := h.Text[i]; {
		case c == '\\':
			i++
		case quote == 0 && (c == '"' || c == '`'):
			quote, start = c, i+1
		case quote != 0 && c == quote:
			if inside := h.Text[start:i]; names(inside, h.Word) {
				if strings.Count(inside, " ") < 3 || sqlish.MatchString(inside) {
					return false
				}
				seen = true
			}
			quote, start = 0, i+1
		case quote == 0 && strings.HasPrefix(h.Text[i:], h.Word) && alone(h.Text, i, len(h.Word)):
			return false // of the code itself
		}
	}
	return seen && quote == 0
}

// query is what a line has that speaks to a database, or tells a mapper of a
// column.
var query = regexp.MustCompile(`(?i)\b(?:select|insert|update|delete|from|where|join|returning|order\s+by|column)\b|\b(?:db|gorm|bun|json|sql)[:(=]`)

// joining is a call of a language's own that has one of its words.
var joining = regexp.MustCompile(`\b(?:strings|bytes|path|filepath|Array|Buffer)\.(?:[jJ]oin|from)\(|["'` + "`)" + `]\.join\(`)

// queries reports whether a line speaks to a database, or tells a mapper of a column.
func queries(text string) bool {
	return query.MatchString(text) && query.MatchString(joining.ReplaceAllString(text, ""))
}

// clause is what a line of a query has that names a table elsewhere.
var clause = regexp.MustCompile(`(?i)\b(?:select|insert into|update|delete from|where|join|returning|(?:order|group)\s+by)\b`)

// commonWord is up to which length a name is taken for a word that stands
// everywhere: id, type, name.
const commonWord = 4

// columnLikeness ranks a hit of a column's name: in a query or where a mapper is
// told of it, as a field or a key, or as a mere word.
func columnLikeness(h gitrange.Hit) int {
	switch {
	case h.Word == "" || !strings.Contains(h.Text, h.Word) || len(h.Word) > commonWord || queries(h.Text):
		return 0
	case member(h):
		return 1
	}
	return 3
}

// member reports whether a word stands where it is a field or a key.
func member(h gitrange.Hit) bool {
	at := strings.Index(h.Text, h.Word)
	end := at + len(h.Word)
	return at > 0 && strings.IndexByte(".\"'`", h.Text[at-1]) >= 0 || at >= 0 && end < len(h.Text) && strings.IndexByte(":=\"'`", h.Text[end]) >= 0
}

// ofLanguage reports whether a word is one of the language that the line is
// written in, as error is of Go's.
func ofLanguage(h gitrange.Hit) bool {
	return keywords[h.Word] && !queries(h.Text) && !member(h)
}

// behindCode reports whether a word stands nowhere in its line but in the comment at its
// end. In a text that is open there, it is none.
func behindCode(h gitrange.Hit) bool {
	mark := " // "
	switch path.Ext(h.Path) {
	case ".py", ".rb", ".ex", ".exs":
		mark = " # "
	case ".sql":
		mark = " -- "
	}
	code, rest, found := strings.Cut(h.Text, mark)
	open := func(quote string) bool { return strings.Count(code, quote)%2 > 0 }
	return found && h.Word != "" && names(rest, h.Word) && !names(code, h.Word) && !open("\"") && !open("'") && !open("`")
}

// imported is a line of an import of Go's: "archive/zip".
var imported = regexp.MustCompile(`^(?:[\w.]+\s+)?"[\w./@-]+"$`)

// ofPackage reports whether a word of Go stands nowhere in its line but as the name of
// a package, or of a variable, of which something is taken: path.Join, *zip.File.
func ofPackage(h gitrange.Hit) bool {
	if path.Ext(h.Path) != ".go" || h.Word == "" || strings.ToLower(h.Word) != h.Word {
		return false
	}
	if imported.MatchString(h.Text) {
		return true
	}
	return wherever(h, func(before, behind string) bool {
		taken := len(behind) > 1 && behind[0] == '.' && 'A' <= behind[1] && behind[1] <= 'Z'
		return taken && !strings.HasSuffix(before, ".")
	})
}

// wherever reports whether the word of a hit stands in its line, and what is before
// it and behind it is as asked wherever it does.
func wherever(h gitrange.Hit, is func(before, behind string) bool) bool {
	seen := false
	for at := 0; h.Word != ""; {
		n := strings.Index(h.Text[at:], h.Word)
		if n < 0 {
			break
		}
		from := at + n
		at = from + len(h.Word)
		if !alone(h.Text, from, len(h.Word)) {
			continue
		}
		if !is(h.Text[:from], h.Text[at:]) {
			return false
		}
		seen = true
	}
	return seen
}

// bringing is a line that brings names in from elsewhere, and home one that says
// where its own names are: no query has them.
var (
	bringing = regexp.MustCompile(`^(?:import\s+(?:static\s+)?[\w.*{} ,]+;?|using\s+[\w.= ]+;|from\s+[\w.]+\s+import\s.*|import\s.*\sfrom\s*["'][^"']*["'];?)$`)
	home     = regexp.MustCompile(`^(?:package|namespace)\s+[\w.\\]+\s*[;{]?$`)
)

// jsonPath is a way into a JSON value, in SQL: -> 'tags', '$.tags'.
var jsonPath = regexp.MustCompile(`->>?\s*'[^']*'|'\$\.[^']*'`)

// inJSON reports whether a word stands nowhere in its line but in such ways.
func inJSON(h gitrange.Hit) bool {
	return strings.ContainsAny(h.Text, ">$") && jsonPath.MatchString(h.Text) && !names(jsonPath.ReplaceAllString(h.Text, ""), h.Word)
}

// declaring is where a model gives a constraint, an index or a type its name: with
// mappers of Python, Java, TypeScript, C# and Go. Ecto's unique_constraint( tells errors
// apart by it.
var declaring = regexp.MustCompile(`(?:\b(?:(?:Unique|Check|Exclusion|Exclude|ForeignKey|PrimaryKey)Constraint|[A-Z]\w*Index)|\b(?:unique|uniqueIndex|pgEnum|index|check|foreignKey|primaryKey|Unique|Index|Check|Exclude|HasDatabaseName|HasConstraintName|HasName))\(.*["'` + "`" + `]\w+["'` + "`" + `]` +
	`|\b(?:uniqueIndex|index|unique|check|constraint):\w+|\b(?:fields|columns|condition|expressions)=.*\bname=["']\w+["']|^name=["']\w+["'][,)]*$|^enum \w+ \{$`)

// declares reports whether a name stands in its line because a model declares a
// constraint or an index of that name: the database has it from there, and that
// is no use of it.
func declares(h gitrange.Hit) bool {
	at := declaring.FindString(h.Text)
	return names(at, h.Word) && !strings.HasSuffix(h.Path, ".sql")
}

// literal reports whether a word of SQL stands nowhere in its line but as a value.
func literal(h gitrange.Hit) bool {
	return strings.HasSuffix(h.Path, ".sql") && strings.Contains(h.Text, "'") && !names(sqlText.ReplaceAllString(h.Text, ""), h.Word)
}

var sqlText = regexp.MustCompile(`'[^']*'`)

// keywords are words of languages that are columns' names, too.
var keywords = wordSet(`
	abstract async await boolean class const default enum error export final function import integer interface internal long module
	number object override package private protected public range required return static string struct trait type virtual void
`)

// names reports whether a text has a word.
func names(text, word string) bool {
	for at := 0; ; {
		n := strings.Index(text[at:], word)
		if n < 0 {
			return false
		}
		if alone(text, at+n, len(word)) {
			return true
		}
		at += n + len(word)
	}
}

// alone reports whether n bytes of a text are no part of a longer word.
func alone(text string, at, n int) bool {
	return (at == 0 || !letter(text[at-1])) && (at+n >= len(text) || !letter(text[at+n]))
}
