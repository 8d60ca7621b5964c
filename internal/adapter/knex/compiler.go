package knex

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/jscode"
)

// compiler makes the SQL of one call. unread is set if an argument is no literal, or a method is not known.
type compiler struct {
	schema string
	unread bool
	out    []jscode.Statement
	// at is the part of the call that makes the next statements; nil for the whole.
	at *jscode.Value
}

func (c *compiler) addSQL(sql string) { c.out = append(c.out, jscode.Statement{SQL: sql, At: c.at}) }

// failUnless marks the call as unread if a condition does not hold.
func (c *compiler) failUnless(ok bool) { c.unread = c.unread || !ok }

// textAt returns the argument of a call at a position, which has to be a text.
func (c *compiler) textAt(l jscode.Link, n int) string {
	c.failUnless(n < len(l.Arguments) && l.Arguments[n].Kind == jscode.Text)
	if c.unread {
		return ""
	}
	return l.Arguments[n].Text
}

// optionalText returns the argument of a call at a position: a text, or "" if it is missing.
func (c *compiler) optionalText(l jscode.Link, n int) string {
	if n >= len(l.Arguments) || l.Arguments[n].IsMissing() {
		return ""
	}
	return c.textAt(l, n)
}

// namesAt returns the argument of a call at a position: a text, or a list of texts.
func (c *compiler) namesAt(l jscode.Link, n int) []string {
	if n < len(l.Arguments) && l.Arguments[n].Kind == jscode.List {
		names, ok := jscode.ReadTexts(l.Arguments[n])
		c.failUnless(ok && len(names) > 0)
		return names
	}
	return []string{c.textAt(l, n)}
}

// allNames returns all arguments of a call: texts, or one list of texts.
func (c *compiler) allNames(l jscode.Link) (names []string) {
	if len(l.Arguments) == 1 && l.Arguments[0].Kind == jscode.List {
		return c.namesAt(l, 0)
	}
	c.failUnless(len(l.Arguments) > 0)
	for n := range l.Arguments {
		names = append(names, c.textAt(l, n))
	}
	return names
}

// boolAt returns the argument of a call at a position: the word true or false; false if it is missing.
func (c *compiler) boolAt(l jscode.Link, n int) bool {
	if n >= len(l.Arguments) || l.Arguments[n].IsMissing() {
		return false
	}
	c.failUnless(l.Arguments[n].IsWord("true") || l.Arguments[n].IsWord("false"))
	return l.Arguments[n].IsWord("true")
}

// takeObject returns the argument of a call at a position if it is an object.
func takeObject(l jscode.Link, n int) *jscode.Options {
	if n >= len(l.Arguments) {
		return nil
	}
	if o, ok := jscode.NewOptions(l.Arguments[n], ""); ok {
		return o
	}
	return nil
}

// wrapName writes a name as Knex does: each part between dots has quotes. Names with an alias and positions in arrays are not read.
func (c *compiler) wrapName(name string) string {
	c.failUnless(!strings.ContainsAny(name, "*[") && !strings.Contains(strings.ToLower(name), " as "))
	parts := strings.Split(name, ".")
	for i, p := range parts {
		parts[i] = jscode.QuoteSQLName(strings.TrimSpace(p))
	}
	return strings.Join(parts, ".")
}

// wrapNames writes names with commas between them.
func (c *compiler) wrapNames(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = c.wrapName(n)
	}
	return strings.Join(out, ", ")
}

// wrapTable writes the name of a table of the call's schema.
func (c *compiler) wrapTable(name string) string {
	if c.schema != "" {
		name = c.schema + "." + name
	}
	return c.wrapName(name)
}

// escapeText writes a text as Knex does where Postgres takes no parameter.
func escapeText(text string) string {
	quoted := jscode.QuoteSQLText(strings.ReplaceAll(text, `\`, `\\`))
	if strings.Contains(text, `\`) {
		quoted = "E" + quoted
	}
	return quoted
}

// escapeValue writes a text, number or truth value as Knex does where Postgres takes no parameter.
func (c *compiler) escapeValue(v jscode.Value) string {
	switch v.Kind {
	case jscode.Text:
		return escapeText(v.Text)
	case jscode.Number:
		number, ok := v.PlainNumber()
		c.failUnless(ok)
		return number
	case jscode.Word:
		c.failUnless(!v.IsMissing())
		return v.Text
	}
	c.unread = true
	return ""
}

// asRawCall returns the call of raw that a value is: knex.raw("…").
func asRawCall(v jscode.Value) (l jscode.Link, ok bool) {
	if v.Kind != jscode.Chain || v.New || v.Links[0].Called || len(v.Links) != 2 {
		return l, false
	}
	l = v.Links[1]
	return l, l.Name == "raw" && l.Called
}

// rawText returns the SQL of knex.raw("…") without values and of knex.fn, as a part of a statement.
func rawText(v jscode.Value) (sql string, ok bool) {
	if l, ok := asRawCall(v); ok {
		sent := translateRawText(l)
		if len(sent.Statements) != 1 {
			return "", false
		}
		return sent.Statements[0].Text.Text, true
	}
	if v.Kind != jscode.Chain || v.New || v.Links[0].Called {
		return "", false
	}
	links := v.Links[1:]
	switch {
	case len(links) != 2 || links[0].Name != "fn" || links[0].Called || !links[1].Called:
		return "", false
	case links[1].Name == "uuid":
		return "(gen_random_uuid())", len(links[1].Arguments) == 0
	case links[1].Name != "now":
		return "", false
	case len(links[1].Arguments) == 0:
		return "CURRENT_TIMESTAMP", true
	}
	precision, ok := links[1].Arguments[0].PlainNumber()
	return "CURRENT_TIMESTAMP(" + precision + ")", ok
}
