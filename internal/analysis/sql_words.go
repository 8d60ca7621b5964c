package analysis

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// QuoteTable returns a relation's name for SQL: quoted if necessary, with its schema unless
// that is public.
func QuoteTable(n catalog.Name) string {
	if n.Schema == "" || n.Schema == "public" {
		return pgparse.QuoteIdent(n.Name)
	}
	return pgparse.QuoteIdent(n.Schema) + "." + pgparse.QuoteIdent(n.Name)
}

// QuoteType returns a type for SQL, with its schema unless that is public; "" if it is not known.
func QuoteType(t catalog.Type) string {
	if t.Name.Schema == "pg_catalog" || !t.IsKnown() {
		return t.String()
	}
	return QuoteTable(t.Name) + t.FormatModifiers()
}

// QuoteRole returns the name of a role in SQL, and whether it is a keyword that must not be
// quoted: "CURRENT_USER".
func QuoteRole(r *pgparse.RoleSpec) (name string, word bool) {
	switch r.GetRoletype() {
	case pgparse.RoleSpecType_ROLESPEC_PUBLIC:
		return "PUBLIC", true
	case pgparse.RoleSpecType_ROLESPEC_CURRENT_USER, pgparse.RoleSpecType_ROLESPEC_CURRENT_ROLE:
		return "CURRENT_USER", true
	case pgparse.RoleSpecType_ROLESPEC_SESSION_USER:
		return "SESSION_USER", true
	}
	return r.GetRolename(), false
}

// QuoteIdents returns several identifiers for SQL: "a, b".
func QuoteIdents(names []string) string {
	return strings.Join(pgparse.QuoteIdents(names), ", ")
}

// IndexWord returns the offset of a keyword in SQL, outside parentheses and strings; -1
// if it is not found. The keyword is in upper case, with a blank on both sides.
func IndexWord(sql, word string) int {
	word = strings.TrimSpace(word)
	depth, quote := 0, byte(0)
	for i := 0; i < len(sql); i++ {
		switch c := sql[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '(':
			depth++
		case c == ')':
			depth--
		case depth == 0 && i > 0 && isBlank(sql[i-1]) && len(sql) > i+len(word) && strings.EqualFold(sql[i:i+len(word)], word) && isBlank(sql[i+len(word)]):
			return i - 1
		}
	}
	return -1
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// MentionsWord reports whether a text has a word: "a.users(id)" has users, and "users_old" does not. No text has the empty word.
func MentionsWord(text, word string) bool {
	for from := 0; word != ""; from++ {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		from += i
		if !isWordByteAt(text, from-1) && !isWordByteAt(text, from+len(word)) {
			return true
		}
	}
	return false
}

func isWordByteAt(text string, i int) bool {
	if i < 0 || i >= len(text) {
		return false
	}
	c := text[i]
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
}
