package pgparse

import "strings"

// RenameInPath renames a schema in a search_path: a, "B" becomes c, "B" if a is renamed to c.
func RenameInPath(path, from, to string) string {
	var b strings.Builder
	copied := 0
	for x := NextLexeme(path, 0); x.Kind != LexemeEnd; x = NextLexeme(path, x.End) {
		if (x.Kind == LexemeWord || x.Kind == LexemeQuoted) && UnquoteIdent(path[x.Start:x.End]) == from {
			b.WriteString(path[copied:x.Start] + QuoteIdent(to))
			copied = x.End
		}
	}
	return b.String() + path[copied:]
}

// UnquoteIdent returns a name as the server reads it: without its quotes, or in lower case.
func UnquoteIdent(word string) string {
	if strings.HasPrefix(word, `"`) {
		return unquoteName(word)
	}
	return strings.ToLower(word)
}
