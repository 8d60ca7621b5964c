package deprecation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// Part is one of the columns that a column is split into. "split into first = split_part(name, ' ', 1)" has the part first.
type Part struct {
	// Column is its name, Value an expression over the column that is split.
	Column, Value string
}

// anotherPart begins a clause that names one more column of a split.
const anotherPart = "and into"

// Successors lists the columns that replace it, separated by commas; "" if not given.
func (d *Deprecation) Successors() string {
	if len(d.Into) == 0 {
		return d.RenamedTo
	}
	var names []string
	for _, p := range d.Into {
		names = append(names, p.Column)
	}
	return strings.Join(names, ", ")
}

// readAssignment reads COLUMN = VALUE. White space in the value is kept, since it may be in a
// string.
func (d *Deprecation) readAssignment(text string) error {
	end := pgparse.NameEnd(text, 0)
	names := pgparse.ListNames(text[:end])
	value, ok := strings.CutPrefix(strings.TrimSpace(text[end:]), "=")
	if len(names) != 1 || !ok {
		return fmt.Errorf("%q is not COLUMN = VALUE", text)
	}
	p := Part{Column: names[0], Value: strings.TrimSpace(value)}
	if slices.ContainsFunc(d.Into, func(o Part) bool { return o.Column == p.Column }) {
		return fmt.Errorf("%q is said twice", p.Column)
	}
	d.Into = append(d.Into, p)
	return checkExpression(p.Value)
}

// checkExpression explains why a text is not an expression.
func checkExpression(text string) error {
	if expression := pgparse.ParseExpression("(" + text + ")"); expression == nil || pgparse.HasNode[*pgparse.SubLink](expression) {
		return fmt.Errorf("%q is no expression over columns of the row", text)
	}
	return nil
}

// textAfterWord returns the text that follows a word.
func textAfterWord(text, word string) string {
	return strings.TrimSpace(text[max(pgparse.AfterWord(text, word), 0):])
}
