package pgparse

import (
	"fmt"
	"slices"
	"strings"
)

// reservedWords are the key words that cannot be a name without quotes, sorted
// (https://www.postgresql.org/docs/current/sql-keywords-appendix.html: reserved, with or
// without "can be function or type").
var reservedWords = []string{
	"all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "authorization", "binary",
	"both", "case", "cast", "check", "collate", "collation", "column", "concurrently", "constraint", "create",
	"cross", "current_catalog", "current_date", "current_role", "current_schema", "current_time",
	"current_timestamp", "current_user", "default", "deferrable", "desc", "distinct", "do", "else", "end",
	"except", "false", "fetch", "for", "foreign", "freeze", "from", "full", "grant", "group", "having", "ilike",
	"in", "initially", "inner", "intersect", "into", "is", "isnull", "join", "lateral", "leading", "left",
	"like", "limit", "localtime", "localtimestamp", "natural", "not", "notnull", "null", "offset", "on", "only",
	"or", "order", "outer", "overlaps", "placing", "primary", "references", "returning", "right", "select",
	"session_user", "similar", "some", "symmetric", "system_user", "table", "tablesample", "then", "to",
	"trailing", "true", "union", "unique", "user", "using", "variadic", "verbose", "when", "where", "window",
	"with",
}

// newlyReserved are reserved words that supported versions of Postgres take for names, with the first version that does not.
var newlyReserved = map[string]int{"system_user": 16}

// reservedHint returns what to do about a text that begins with one of them; "" for none.
func reservedHint(text string) string {
	for word, since := range newlyReserved {
		rest := text[min(len(text), len(word)):]
		if strings.EqualFold(text[:len(text)-len(rest)], word) && (rest == "" || !isWordByte(rest[0])) {
			return fmt.Sprintf("a reserved word since Postgres %d, and a name before: write \"%s\" in quotes, which every version takes", since, word)
		}
	}
	return ""
}

// isReserved reports whether a word in lower case cannot be a name.
func isReserved(word string) bool {
	_, found := slices.BinarySearch(reservedWords, word)
	return found
}
