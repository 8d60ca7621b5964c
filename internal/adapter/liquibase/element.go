package liquibase

import (
	"strings"
)

// element is a part of a changelog in any of its formats: a change, a column, a condition.
type element struct {
	name       string
	attributes map[string]string
	// text is its text. textStart is its offset in the file if it is there letter by letter; -1 if not.
	text      string
	textStart int
	pieces    []string // of the text, while it is read
	children  []*element
	// line and column are its first place. start and end are its offsets; both 0 if the format has none.
	line, column, endLine int
	start, end            int
}

func newElement(name string) *element {
	return &element{name: name, attributes: map[string]string{}, textStart: -1}
}

// getText returns an attribute, or the text of the child with that name.
func (e *element) getText(name string) string {
	if v, ok := e.attributes[name]; ok {
		return v
	}
	if c := e.firstChild(name); c != nil {
		return strings.TrimSpace(c.text)
	}
	return ""
}

// hasAttribute reports whether it has an attribute, whatever its value.
func (e *element) hasAttribute(name string) bool { _, ok := e.attributes[name]; return ok }

// isTrue reports whether an attribute is "true".
func (e *element) isTrue(name string) bool { return strings.EqualFold(e.getText(name), "true") }

// isFalse reports whether an attribute is "false".
func (e *element) isFalse(name string) bool { return strings.EqualFold(e.getText(name), "false") }

// firstChild returns the first child with a name; nil for none.
func (e *element) firstChild(name string) *element {
	for _, c := range e.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// listChildren returns the children with a name.
func (e *element) listChildren(name string) (out []*element) {
	for _, c := range e.children {
		if c.name == name {
			out = append(out, c)
		}
	}
	return out
}

// readContent returns the text of a change whose SQL is its own text, or in an attribute in YAML.
func (e *element) readContent(attribute string) string {
	if v, ok := e.attributes[attribute]; ok {
		return v
	}
	return e.text
}
