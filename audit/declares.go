package audit

import (
	"regexp"
	"strings"
)

// declaring is where a model gives a constraint, an index or a type its name: with
// mappers of Python, Java, TypeScript, C# and Go, and in what tools generate from the schema.
// Ecto's unique_constraint( tells errors apart by it.
var declaring = regexp.MustCompile(`(?:\b(?:(?:Unique|Check|Exclusion|Exclude|ForeignKey|PrimaryKey)Constraint|[A-Z]\w*Index)|\b(?:unique|uniqueIndex|pgEnum|index|check|foreignKey|primaryKey|Unique|Index|Check|Exclude|HasDatabaseName|HasConstraintName|HasName))\(.*["'` + "`" + `]\w+["'` + "`" + `]` +
	`|\b(?:uniqueIndex|index|unique|check|constraint):\w+|\b(?:fields|columns|condition|expressions)=.*\bname=["']\w+["']|^name=["']\w+["'][,)]*$|^enum \w+ \{$` +
	`|\b(?:foreignKeyName|foreignKeyConstraintName|primaryKeyConstraintName|Symbol):\s*["']\w+["']|^name:\s*["']\w+["'],?$`)

// declares reports whether a name stands in its line because a model declares a
// constraint or an index of that name: the database has it from there, and that
// is no use of it.
func declares(file, line, name string) bool {
	return names(declaring.FindString(line), name) && !strings.HasSuffix(file, ".sql")
}

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

// letter reports whether a byte belongs to a name.
func letter(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= 0x80
}
