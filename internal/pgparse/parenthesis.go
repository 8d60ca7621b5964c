package pgparse

// OpeningParenthesis returns the offset of the first "(" at or after an offset; -1 for none.
func OpeningParenthesis(sql string, offset int) int {
	for {
		l := NextLexeme(sql, offset)
		switch {
		case l.Kind == LexemeEnd:
			return -1
		case sql[l.Start:l.End] == "(":
			return l.Start
		}
		offset = l.End
	}
}

// ClosingParenthesis returns the offset of the ")" that closes the "(" at an offset; -1 for none, and for the offset -1.
func ClosingParenthesis(sql string, open int) int {
	for depth, pos := 0, open; open >= 0; {
		l := NextLexeme(sql, pos)
		switch {
		case l.Kind == LexemeEnd:
			return -1
		case sql[l.Start:l.End] == "(":
			depth++
		case sql[l.Start:l.End] == ")":
			if depth--; depth == 0 {
				return l.Start
			}
		}
		pos = l.End
	}
	return -1
}
