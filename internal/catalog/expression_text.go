package catalog

import (
	"math"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// The grammar records where expressions begin, not where they end. Their text is found by scanning the statement.

// bracketText is the text inside the first bracket at or after an offset:
// the condition of CHECK (…).
func bracketText(sql string, from int32) string {
	if from < 0 || int(from) >= len(sql) {
		return ""
	}
	open := scanUntil(sql, int(from), func(i, depth int) bool { return sql[i] == '(' })
	if open >= len(sql) {
		return ""
	}
	end := findClosing(sql, open)
	return strings.TrimSpace(sql[open+1 : end])
}

// findClosing is the offset of the bracket that closes the one at open, or the
// end of the text.
func findClosing(sql string, open int) int {
	return scanUntil(sql, open, func(i, depth int) bool {
		return depth == 1 && (sql[i] == ')' || sql[i] == ']')
	})
}

// scanUntil goes through the text, leaving out quotes and comments, until stop
// says so for a byte. depth counts the brackets opened since from.
func scanUntil(sql string, from int, stop func(i, depth int) bool) int {
	depth := 0
	for i := from; i < len(sql); {
		if n := skipQuoted(sql, i); n > i {
			i = n
			continue
		}
		if stop(i, depth) {
			return i
		}
		switch sql[i] {
		case '(', '[':
			depth++
		case ')', ']':
			depth--
		}
		i++
	}
	return len(sql)
}

// skipQuoted is the end of the quoted text or comment that begins at i, or i.
func skipQuoted(sql string, i int) int {
	start := i
	switch sql[i] {
	case '\'':
		if i > 0 && sql[i-1]|0x20 == 'e' && (i == 1 || !isWordByte(sql[i-2])) {
			start-- // a string with escapes
		}
	case '$':
		if i > 0 && isWordByte(sql[i-1]) {
			return i // of a name
		}
	case '"', '-', '/':
	default:
		return i
	}
	switch l := pgparse.NextLexeme(sql, start); l.Kind {
	case pgparse.LexemeString, pgparse.LexemeQuoted, pgparse.LexemeComment:
		return l.End
	}
	return i
}

func isWordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// firstLocation is the smallest offset that a node below the expression carries; -1
// when none does.
func firstLocation(expr *pgparse.Node) int {
	lowest := int32(math.MaxInt32)
	pgparse.Walk(expr, func(msg any) bool {
		if locatedNode, ok := msg.(interface{ GetLocation() int32 }); ok {
			// A node that the grammar made up has location -1, one without
			// it in the text 0.
			if l := locatedNode.GetLocation(); l > 0 && l < lowest {
				lowest = l
			}
		}
		return true
	})
	if lowest == math.MaxInt32 {
		return -1
	}
	return int(lowest)
}

// columnWords end the expression of a DEFAULT in a column definition.
var columnWords = map[string]bool{
	"NOT": true, "NULL": true, "CONSTRAINT": true, "CHECK": true, "UNIQUE": true, "PRIMARY": true,
	"REFERENCES": true, "GENERATED": true, "COLLATE": true, "DEFERRABLE": true, "INITIALLY": true, "ENFORCED": true,
}

// defaultText is the text of a default's expression.
func defaultText(sql string, expr *pgparse.Node) string {
	offset := firstLocation(expr)
	if offset < 0 || offset > len(sql) {
		return ""
	}
	// Go back over brackets and signs to the end of the word DEFAULT.
	start := offset
	for start > 0 && !isWordByte(sql[start-1]) && sql[start-1] != '\'' && sql[start-1] != '"' && sql[start-1] != ',' {
		start--
	}
	for start < offset && (sql[start] == ' ' || sql[start] == '\n' || sql[start] == '\t' || sql[start] == '\r' || sql[start] == '=') {
		start++
	}
	wordStart := -1
	end := scanUntil(sql, start, func(i, depth int) bool {
		if depth < 0 || depth == 0 && (sql[i] == ',' || sql[i] == ')' || sql[i] == ';') {
			return true
		}
		if depth > 0 || !isWordByte(sql[i]) || i > 0 && (isWordByte(sql[i-1]) || sql[i-1] == '.') {
			return false
		}
		j := i
		for j < len(sql) && isWordByte(sql[j]) {
			j++
		}
		if i > offset && columnWords[strings.ToUpper(sql[i:j])] {
			wordStart = i
			return true
		}
		return false
	})
	if wordStart >= 0 {
		end = wordStart
	}
	return strings.TrimSpace(sql[start:end])
}

// whereText is the text of a condition that ends the statement.
func whereText(sql string, expr *pgparse.Node) string {
	offset := firstLocation(expr)
	if offset < 0 || offset > len(sql) {
		return ""
	}
	if w := lastIndexOfWord(sql[:offset], "WHERE"); w >= 0 {
		offset = w + len("WHERE")
	}
	return strings.TrimSpace(sql[offset:])
}

// lastIndexOfWord is the offset of the last place of an ASCII word, in either case;
// -1 when there is none.
func lastIndexOfWord(s, word string) int {
	for i := len(s) - len(word); i >= 0; i-- {
		if strings.EqualFold(s[i:i+len(word)], word) {
			return i
		}
	}
	return -1
}

// keyText returns the text of an index expression: a call, or the text in brackets.
func keyText(sql string, expr *pgparse.Node) string {
	offset := firstLocation(expr)
	if offset < 0 || offset > len(sql) {
		return ""
	}
	i := offset
	for i < len(sql) && (isWordByte(sql[i]) || sql[i] == '.' || sql[i] == '"') {
		i++
	}
	if i < len(sql) && sql[i] == '(' && isCallForm(expr, sql[offset:i]) {
		return sql[offset:min(findClosing(sql, i)+1, len(sql))]
	}
	end := scanUntil(sql, offset, func(j, depth int) bool { return depth == 0 && (sql[j] == ')' || sql[j] == ',') })
	return strings.TrimSpace(sql[offset:end])
}

// isCallForm reports whether an expression is written as a call, which needs no brackets in an index: word is its first.
func isCallForm(expr *pgparse.Node, word string) bool {
	switch m := pgparse.Unwrap(expr).(type) {
	case *pgparse.FuncCall, *pgparse.CoalesceExpr, *pgparse.MinMaxExpr, *pgparse.XmlExpr:
		return true
	case *pgparse.A_Expr:
		return m.GetKind() == pgparse.A_Expr_Kind_AEXPR_NULLIF
	case *pgparse.TypeCast:
		return strings.EqualFold(word, "cast")
	}
	return false
}

// bracketedWhereText is the text of a condition in brackets that may be followed by
// more: EXCLUDE … WHERE (…).
func bracketedWhereText(sql string, expr *pgparse.Node) string {
	offset := firstLocation(expr)
	if offset < 0 || offset > len(sql) {
		return ""
	}
	if w := lastIndexOfWord(sql[:offset], "WHERE"); w >= 0 {
		return bracketText(sql, int32(w))
	}
	return ""
}
