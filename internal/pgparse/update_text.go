package pgparse

import "strings"

// UpdateText is the text of an UPDATE, in parts that end in a line break if a comment could hide what follows them.
type UpdateText struct {
	// With is the text before UPDATE, Table the table with its alias.
	With, Table string
	// Values are the values that the columns get, in order. From and Where are "" if the UPDATE has no such clause.
	Values      []string
	From, Where string
}

// outerMark is a word or a comma of a statement outside of all brackets.
type outerMark struct {
	Lexeme
	word string
}

// SplitUpdate splits the text of an UPDATE; nil if it sets several columns at once, or a part of a column.
func SplitUpdate(sql string) *UpdateText {
	var set, from, where *outerMark
	var update *outerMark
	var commas []*outerMark
	marks := listOuterMarks(sql)
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
	u := &UpdateText{With: textPart(sql, 0, update.Start), Table: textPart(sql, update.End, set.Start)}
	end := len(sql)
	if where != nil {
		u.Where, end = textPart(sql, where.End, end), where.Start
	}
	if from != nil {
		u.From, end = textPart(sql, from.End, end), from.Start
	}
	at := set.End
	for _, comma := range append(commas, &outerMark{Lexeme: Lexeme{Start: end}}) {
		name := NextLexeme(sql, at)
		equals := NextLexeme(sql, name.End)
		if name.Kind != LexemeWord && name.Kind != LexemeQuoted || sql[equals.Start:equals.End] != "=" {
			return nil
		}
		u.Values, at = append(u.Values, textPart(sql, equals.End, comma.Start)), comma.End
	}
	return u
}

// listOuterMarks returns the words and commas of a text outside of all brackets, in upper case.
func listOuterMarks(sql string) (out []outerMark) {
	depth := 0
	for l := NextLexeme(sql, 0); l.Kind != LexemeEnd; l = NextLexeme(sql, l.End) {
		switch text := sql[l.Start:l.End]; {
		case text == "(" || text == "[":
			depth++
		case text == ")" || text == "]":
			depth--
		case depth == 0 && (l.Kind == LexemeWord || text == ","):
			out = append(out, outerMark{l, strings.ToUpper(text)})
		}
	}
	return out
}

// textPart returns a part of a text without blanks around it.
func textPart(sql string, start, end int) string {
	return EndLineComment(strings.TrimSpace(sql[start:end]))
}

// EndLineComment adds a line break to a text that may end in a comment.
func EndLineComment(text string) string {
	if strings.Contains(text, "--") {
		return text + "\n"
	}
	return text
}
