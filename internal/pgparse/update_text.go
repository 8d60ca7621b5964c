package pgparse

import (
	"slices"
	"strings"
)

// WriteText is the text of an UPDATE or a DELETE in parts. A part ends in a line break if a comment in it could hide what follows.
// For UPDATE t SET a = 1 FROM u WHERE b, Table is "t", Values "1", From "u" and Where "b".
type WriteText struct {
	// With is the text before the verb, Table the table with its alias.
	With, Table string
	// Values are the values that the columns of an UPDATE get, in order. From has the other tables, of FROM or USING. From and Where are ""
	// if the statement has no such clause.
	Values      []string
	From, Where string
}

// outerMark is a word or a comma of a statement outside of all brackets.
type outerMark struct {
	Lexeme
	word string
}

// SplitUpdate splits the text of an UPDATE; nil if it sets several columns at once, or a part of a column.
func SplitUpdate(sql string) *WriteText {
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
	u := &WriteText{With: textPart(sql, 0, update.Start), Table: textPart(sql, update.End, set.Start)}
	end := len(sql)
	if where != nil {
		u.Where, end = textPart(sql, where.End, end), where.Start
	}
	if from != nil {
		u.From, end = textPart(sql, from.End, end), from.Start
	}
	pos := set.End
	for _, comma := range append(commas, &outerMark{Lexeme: Lexeme{Start: end}}) {
		name := NextLexeme(sql, pos)
		equals := NextLexeme(sql, name.End)
		if name.Kind != LexemeWord && name.Kind != LexemeQuoted || sql[equals.Start:equals.End] != "=" {
			return nil
		}
		u.Values, pos = append(u.Values, textPart(sql, equals.End, comma.Start)), comma.End
	}
	return u
}

// SplitDelete splits the text of a DELETE without RETURNING; nil if it is none.
func SplitDelete(sql string) *WriteText {
	marks := listOuterMarks(sql)
	verb := slices.IndexFunc(marks, func(m outerMark) bool { return m.word == "DELETE" })
	if verb < 0 || verb+1 == len(marks) || marks[verb+1].word != "FROM" {
		return nil
	}
	var using, where *outerMark
	for i := range marks[verb:] {
		switch m := &marks[verb+i]; {
		case m.word == "WHERE" && where == nil:
			where = m
		case m.word == "USING" && using == nil && where == nil:
			using = m
		}
	}
	d, end := &WriteText{With: textPart(sql, 0, marks[verb].Start)}, len(sql)
	if where != nil {
		d.Where, end = textPart(sql, where.End, end), where.Start
	}
	if using != nil {
		d.From, end = textPart(sql, using.End, end), using.Start
	}
	d.Table = textPart(sql, marks[verb+1].End, end)
	return d
}

// InsertText is the text of an INSERT of a query's rows, in parts that end in a line break if a comment could hide what follows them.
type InsertText struct {
	// Head is the text from INSERT up to the query, and Query the query with all WITH queries. Conflict is its ON CONFLICT clause, or "".
	Head, Query, Conflict string
}

// SplitInsert splits the text of an INSERT of a query's rows, without RETURNING; nil if the query is in brackets or in two parts.
func SplitInsert(sql string) *InsertText {
	marks := listOuterMarks(sql)
	find := func(from int, words ...string) int {
		if i := slices.IndexFunc(marks[from:], func(m outerMark) bool { return slices.Contains(words, m.word) }); i >= 0 {
			return from + i
		}
		return -1
	}
	insert := find(0, "INSERT")
	if insert < 0 {
		return nil
	}
	query := find(insert, "SELECT", "WITH", "TABLE")
	if query < 0 || marks[query].word == "WITH" && insert > 0 {
		return nil
	}
	out, end := &InsertText{Head: textPart(sql, marks[insert].Start, marks[query].Start)}, len(sql)
	for i := find(query, "CONFLICT"); i > 0; i = find(i+1, "CONFLICT") {
		if marks[i-1].word == "ON" {
			out.Conflict, end = textPart(sql, marks[i-1].Start, end), marks[i-1].Start
			break
		}
	}
	out.Query = strings.TrimLeft(textPart(sql, 0, marks[insert].Start)+" "+textPart(sql, marks[query].Start, end), " ")
	return out
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
