package catalog

import (
	"strings"
	"unicode"
)

// Obscure is the catalog behind something that may have changed it unseen: a
// migration that could not be read, or one in another language. What is not in
// it is no longer certain not to exist.
func (c *Catalog) Obscure(text string) *Catalog {
	next := *c
	next.Unmodelled = &Note{Text: text, Next: c.Unmodelled}
	return &next
}

// Unseen is the last thing that may have changed the schema in ways that no
// statement tells; "" when there is none, or the schema was read from a server.
func (c *Catalog) Unseen() string {
	for n := c.Unmodelled; n != nil && !c.Complete; n = n.Next {
		if !n.Read {
			return n.Text
		}
	}
	return ""
}

// Executed reports whether a statement before executed text that is put together
// as it runs, and names a relation: in the text, or beside it.
func (c *Catalog) Executed(relation string) bool {
	for n := c.Unmodelled; n != nil; n = n.Next {
		for word := range strings.FieldsFuncSeq(n.SQL, notInName) {
			if strings.EqualFold(word, relation) {
				return true
			}
		}
	}
	return false
}

// executes reports whether a PL/pgSQL body executes text: the word stands in
// GRANT and in CREATE TRIGGER, too.
func executes(body string) bool {
	before := ""
	for word := range strings.FieldsFuncSeq(strings.ToLower(body), notInName) {
		if before == "execute" && word != "function" && word != "procedure" && word != "on" {
			return true
		}
		before = word
	}
	return false
}

// notInName reports whether a character ends an identifier.
func notInName(r rune) bool {
	return r != '_' && r != '$' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
}
