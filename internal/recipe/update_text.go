package recipe

import (
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// updateText is the text of an UPDATE, in parts that end in a line break if a comment could hide what follows them.
type updateText struct {
	// with is the text before UPDATE, table the table with its alias.
	with, table string
	// values are the values that the columns get, in order. from and where are "" if the UPDATE has no such clause.
	values      []string
	from, where string
}

// mark is a word or a comma of a statement outside of all brackets.
type mark struct {
	pgparse.Lexeme
	word string
}

// splitUpdate splits the text of an UPDATE; nil if it sets several columns at once, or a part of a column.
func splitUpdate(sql string) *updateText {
	var set, from, where *mark
	var update *mark
	var commas []*mark
	marks := outerMarks(sql)
	for i := range marks {
		switch m := &marks[i]; {
		case update == nil:
			if m.word == "UPDATE" {
				update = m
			}
		case set == nil:
			if m.word == "SET" {
				set = m
			}
		case m.word == "WHERE" && where == nil:
			where = m
		case m.word == "FROM" && from == nil && where == nil && marks[i-1].word != "DISTINCT":
			from = m
		case m.word == "," && from == nil && where == nil:
			commas = append(commas, m)
		}
	}
	if set == nil {
		return nil
	}
	u := &updateText{with: textPart(sql, 0, update.Start), table: textPart(sql, update.End, set.Start)}
	end := len(sql)
	if where != nil {
		u.where, end = textPart(sql, where.End, end), where.Start
	}
	if from != nil {
		u.from, end = textPart(sql, from.End, end), from.Start
	}
	at := set.End
	for _, comma := range append(commas, &mark{Lexeme: pgparse.Lexeme{Start: end}}) {
		name := pgparse.NextLexeme(sql, at)
		equals := pgparse.NextLexeme(sql, name.End)
		if name.Kind != pgparse.LexemeWord && name.Kind != pgparse.LexemeQuoted || sql[equals.Start:equals.End] != "=" {
			return nil
		}
		u.values, at = append(u.values, textPart(sql, equals.End, comma.Start)), comma.End
	}
	return u
}

// outerMarks returns the words and commas of a text outside of all brackets, in upper case.
func outerMarks(sql string) (out []mark) {
	depth := 0
	for l := pgparse.NextLexeme(sql, 0); l.Kind != pgparse.LexemeEnd; l = pgparse.NextLexeme(sql, l.End) {
		switch text := sql[l.Start:l.End]; {
		case text == "(" || text == "[":
			depth++
		case text == ")" || text == "]":
			depth--
		case depth == 0 && (l.Kind == pgparse.LexemeWord || text == ","):
			out = append(out, mark{l, strings.ToUpper(text)})
		}
	}
	return out
}

// textPart returns a part of a text without blanks around it.
func textPart(sql string, start, end int) string {
	return endLineComment(strings.TrimSpace(sql[start:end]))
}
