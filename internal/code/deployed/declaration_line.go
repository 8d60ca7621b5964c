package deployed

import (
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// declaring matches where a model names a constraint, an index or a type: in mappers of
// Python, Java, TypeScript, C# and Go, and in files that tools generate from the schema.
// Ecto's unique_constraint( uses the name to identify errors.
var declaring = lazyregexp.New(`(?:\b(?:(?:Unique|Check|Exclusion|Exclude|ForeignKey|PrimaryKey)Constraint|[A-Z]\w*Index)|\b(?:unique|uniqueIndex|pgEnum|index|check|foreignKey|primaryKey|Unique|Index|Check|Exclude|HasDatabaseName|HasConstraintName|HasName))\(.*["'` + "`" + `]\w+["'` + "`" + `]` +
	`|\b(?:uniqueIndex|index|unique|check|constraint):\w+|\b(?:fields|columns|condition|expressions)=.*\bname=["']\w+["']|^name=["']\w+["'][,)]*$|^enum \w+ \{$` +
	`|\b(?:foreignKeyName|foreignKeyConstraintName|primaryKeyConstraintName|Symbol):\s*["']\w+["']|^name:\s*["']\w+["'],?$`)

// isDeclarationLine reports whether a line has a name because a model declares a constraint or an
// index with it: the declaration is where the object comes from, and no use of it.
func isDeclarationLine(file, line, name string) bool {
	return hasWord(declaring.FindString(line), name) && !strings.HasSuffix(file, ".sql")
}

// hasWord reports whether a text has a word.
func hasWord(text, word string) bool {
	for offset := 0; ; {
		n := strings.Index(text[offset:], word)
		if n < 0 {
			return false
		}
		if isWholeWord(text, offset+n, len(word)) {
			return true
		}
		offset += n + len(word)
	}
}

// isWholeWord reports whether n bytes of a text are no part of a longer word.
func isWholeWord(text string, offset, n int) bool {
	return (offset == 0 || !isNameByte(text[offset-1])) && (offset+n >= len(text) || !isNameByte(text[offset+n]))
}

// isNameByte reports whether a byte belongs to a name.
func isNameByte(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= 0x80
}
