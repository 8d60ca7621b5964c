package pgparse

import "strings"

// The parser of PL/pgSQL refuses the forms of Postgres 19 like its grammar. Each statement with such a form is parsed as another one of the same
// length, and gets its own text back in the block.

// standIn begins the statement that replaces another one; a name follows.
const standIn = "LISTEN "

// replaceNewerForms replaces the statements of a PL/pgSQL body that have new forms. originals has their texts by those that replace them; it is empty if no
// statement was replaced.
func replaceNewerForms(statement string) (text string, originals map[string]string) {
	body := quotedBody(statement)
	start := strings.Index(statement, body)
	if body == "" || start < 0 {
		return "", nil
	}
	b := []byte(statement)
	originals = map[string]string{}
	for _, part := range ReadBody(body).Parts {
		if part.SQL == "SELECT "+part.Text || !MayHaveNewerForm(part.SQL) {
			continue // an expression, or a statement that the parser knows
		}
		if since, _ := NewerForm(ParseStatement(part.SQL)); since == 0 {
			continue // no version reads it
		}
		replacement := standIn + numberedName(len(originals))
		if len(replacement) > len(part.Text) || strings.Contains(part.Text[:len(replacement)], "\n") {
			continue
		}
		to := b[start+part.Offset : start+part.Offset+len(part.Text)]
		for i := range to {
			switch {
			case i < len(replacement):
				to[i] = replacement[i]
			case to[i] != '\n': // the numbers of lines stay
				to[i] = ' '
			}
		}
		originals[replacement] = part.SQL
	}
	return string(b), originals
}

// quotedBody returns the body of a DO or CREATE FUNCTION as its string has it, however that is quoted; "" if there is none.
func quotedBody(statement string) string {
	n := ParseStatement(statement)
	options := n.GetCreateFunctionStmt().GetOptions()
	if doStmt := n.GetDoStmt(); doStmt != nil {
		options = doStmt.GetArgs()
	}
	for _, o := range options {
		if d := o.GetDefElem(); d.GetDefname() == "as" {
			if list := ListItems(d.GetArg()); len(list) > 0 {
				return StringText(list[0])
			}
			return d.GetArg().GetString_().GetSval()
		}
	}
	return ""
}

// numberedName returns a name for a number, as short as possible: a, b, … z, aa.
func numberedName(n int) string {
	name := string(rune('a' + n%26))
	if n >= 26 {
		name = numberedName(n/26-1) + name
	}
	return name
}

// restoreOriginals gives statements of a block their own texts.
func (b *Block) restoreOriginals(originals map[string]string) {
	for i := range b.Statements {
		s := &b.Statements[i]
		if sql, ok := originals[strings.TrimSpace(s.SQL)]; ok {
			s.SQL = sql
		}
	}
}
