package usage

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
)

// Label gives the places that know a label of an enum: queries that have it as a
// constant, and classes of constants that are for the enum.
func (b *Bound) Label(n catalog.Name, label string) []Use {
	out := b.Constant(label)
	t := b.enum(n)
	if t == nil {
		return out
	}
	var works map[*dialect]bool
	for _, a := range b.enums[label] {
		f := &b.files[a.file]
		e := &f.Facts.Enums[a.item]
		if b.skips(a.file) || !t.isOf(e, label) {
			continue
		}
		if works == nil {
			works = b.speaks(t)
		}
		if d := dialectOf(f.Path); d == nil || works[d] { // Prisma's schema is no program
			out = append(out, Use{f.Path, e.Labels[a.part].Line, Maps, Parsed, rankModel})
		}
	}
	return ranked(out)
}

// enumType is an enum of the schema as code knows it.
type enumType struct {
	labels []string
	names  map[string]bool // its own, and those of the columns that have it, in one spelling
	tables []catalog.Name  // that have such columns
}

// enum is the enum of a name; nil for one that is not known.
func (b *Bound) enum(n catalog.Name) *enumType {
	if b.Schema == nil {
		return nil
	}
	u := b.Schema.LookupType(n.Schema, n.Name)
	if u == nil || u.Inferred || len(u.Labels) < 2 {
		return nil
	}
	t := &enumType{labels: u.Labels, names: map[string]bool{bare(u.Name.Name): true}}
	b.Schema.Relations(func(r *catalog.Relation) bool {
		for _, c := range r.Columns {
			if c.Type.OID == u.OID {
				t.names[bare(c.Name)] = true
				t.tables = append(t.tables, r.Name)
			}
		}
		return true
	})
	return t
}

// isOf reports whether a class is for the enum, and has one of its labels. It has all
// labels of the enum, or none but labels of it, and the enum's name or that of a column;
// where the labels are the same, to the last one, its name may have more in front.
func (t *enumType) isOf(e *Enum, label string) bool {
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
func (b *Bound) speaks(t *enumType) map[*dialect]bool {
	out := map[*dialect]bool{}
	for _, n := range t.tables {
		for file := range b.Works(n) {
			out[dialectOf(file)] = true
		}
	}
	return out
}
