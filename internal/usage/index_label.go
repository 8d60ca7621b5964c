package usage

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
)

// Label gives the places that know a label of an enum: queries that compare or write it
// where the enum is, and classes of constants that are for the enum. Functions that the
// schema has tell by their bodies.
func (b *Bound) Label(n catalog.Name, label string) []Use {
	t := b.enum(n)
	if t == nil {
		return nil
	}
	takes := t.takes(b)
	is := func(q *Query, c *Constant) bool { return !b.kept(q) && takes(q, c) }
	return b.ranked(append(b.constant(label, is), b.classOf(t, label)...))
}

// Value gives the places that know a value of a column: queries that compare the column
// with it or write it there, and classes of constants that are for the column.
func (b *Bound) Value(n catalog.Name, column, value string) []Use {
	out := b.constant(value, func(q *Query, c *Constant) bool {
		if c.Column != "" {
			return c.Column == column && b.means(q, column, c.Of, n)
		}
		return c.Function == "" && slices.ContainsFunc(q.Columns, func(o Column) bool { return o.Name == column && b.means(q, column, o.Of, n) })
	})
	if t := b.listed(n, column); t != nil {
		out = append(out, b.classOf(t, value)...)
	}
	return b.ranked(out)
}

// constant gives the queries with a text that is one of those that are asked for.
func (b *Bound) constant(text string, is func(*Query, *Constant) bool) []Use {
	var out []Use
	for _, a := range b.constants[text] {
		q := &b.files[a.file].Facts.Queries[a.item]
		if c := &q.Constants[a.part]; !b.skips(a.file) && is(q, c) {
			out = append(out, Use{b.files[a.file].Path, c.Line, Reads, Parsed, rankQuery})
		}
	}
	return out
}

// classOf gives the classes of constants that are for a set of values, and have one.
func (b *Bound) classOf(t *valueSet, value string) []Use {
	var out []Use
	var works map[*dialect]bool
	for _, a := range b.enums[value] {
		f := &b.files[a.file]
		e := &f.Facts.Enums[a.item]
		if b.skips(a.file) || !t.isOf(e, value) {
			continue
		}
		if works == nil {
			works = b.speaks(t)
		}
		if d := dialectOf(f.Path); d == nil || works[d] { // Prisma's schema is no program
			out = append(out, Use{f.Path, e.Labels[a.part].Line, Maps, Parsed, rankModel})
		}
	}
	return out
}

// isOf reports whether a class is for the enum, and has one of its labels. It has all
// labels of the enum, or none but labels of it, and the enum's name or that of a column;
// where the labels are the same, to the last one, its name may have more in front.
func (t *valueSet) isOf(e *Enum, label string) bool {
	for _, of := range []func(Label) string{name, value} {
		has, found := 0, false
		for _, l := range e.Labels {
			if slices.Contains(t.labels, of(l)) {
				has++
			}
			found = found || of(l) == label
		}
		all, only := has == len(t.labels), has == len(e.Labels)
		if !found || has < 2 || !all && !only {
			continue
		}
		class := bare(e.Class)
		if t.names[class] {
			return true
		}
		for own := range t.names {
			if rest, ok := strings.CutPrefix(class, own); ok && slices.Contains(enumEndings, rest) || all && only && len(own) >= minEnum && strings.HasSuffix(class, own) {
				return true
			}
		}
	}
	return false
}

// name and value are what a program may write to a column: the name of a constant, or
// the text that it has.
func name(l Label) string { return l.Name }

func value(l Label) string { return cmp.Or(l.Text, l.Name) }

// minEnum is how long the name of an enum is that says something at the end of another.
const minEnum = 4

// enumEndings is what classes have behind the name of their column.
var enumEndings = []string{"s", "enum", "type", "value", "values", "option", "options", "choices", "schema"}

// speaks gives the languages of the files that work on the tables of an enum.
func (b *Bound) speaks(t *valueSet) map[*dialect]bool {
	out := map[*dialect]bool{}
	for _, n := range t.tables {
		for file := range b.Works(n) {
			out[dialectOf(file)] = true
		}
	}
	return out
}
