package catalog

import (
	"strings"
	"unicode"
)

// MarkUnseen returns the catalog after something unseen that may have changed the schema: a
// migration that could not be read, or one in another language. From then on, an object
// that is not in the catalog may exist.
func (c *Catalog) MarkUnseen(text string) *Catalog {
	next := *c
	next.Unmodelled = &Note{Text: text, Next: c.Unmodelled}
	return &next
}

// LastUnseen describes the last event that may have changed the schema unseen; "" for none,
// or if the schema was read from a server.
func (c *Catalog) LastUnseen() string {
	for n := c.Unmodelled; n != nil && !c.Complete; n = n.Next {
		if !n.Told {
			return n.Text
		}
	}
	return ""
}

// HasExecutedText reports whether an earlier DO block or called function executed text that it
// builds at run time, as EXECUTE format('…') does, and has the name of a relation in its body.
func (c *Catalog) HasExecutedText(relation string) bool {
	relation = strings.ToLower(relation)
	for n := c.Unmodelled; n != nil; n = n.Next {
		if n.names[relation] {
			return true
		}
	}
	return false
}

// listExecutedWords returns the words of a PL/pgSQL body that executes text, nil for another body.
// The word EXECUTE also occurs in GRANT and in CREATE TRIGGER.
func listExecutedWords(body string) map[string]bool {
	if !strings.Contains(body, "execute") && !strings.Contains(body, "EXECUTE") && !strings.Contains(body, "Execute") {
		return nil
	}
	words, before, found := map[string]bool{}, "", false
	for word := range strings.FieldsFuncSeq(strings.ToLower(body), isNameSeparator) {
		found = found || before == "execute" && word != "function" && word != "procedure" && word != "on"
		words[word] = true
		before = word
	}
	if !found {
		return nil
	}
	return words
}

// namesRelation reports whether a text names a relation that is there.
func (f *fold) namesRelation(text string) bool {
	before := ""
	for word := range strings.FieldsFuncSeq(strings.ToLower(text), isNameSeparator) {
		if f.Lookup("", word) != nil || f.Lookup(before, word) != nil && !isSystemSchema(before) {
			return true
		}
		before = word
	}
	return false
}

// isNameSeparator reports whether a character ends an identifier.
func isNameSeparator(r rune) bool {
	return r != '_' && r != '$' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
}
