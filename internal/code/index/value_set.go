package index

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/predicate"
)

// valueSet is the set of values that the schema allows in a column: the labels of its
// enum, or the list of a CHECK.
type valueSet struct {
	oid    catalog.OID // of the enum
	name   catalog.Name
	labels []string
	names  map[string]bool // its own name, and the names of its columns, in one spelling
	tables []catalog.Name  // with such columns
}

// findEnum returns the enum with a name; nil if it is not known.
func (b *Bound) findEnum(n catalog.Name) *valueSet {
	if b.Schema == nil {
		return nil
	}
	u := b.Schema.LookupType(n.Schema, n.Name)
	if u == nil || u.Inferred || len(u.Labels) < 2 {
		return nil
	}
	t := &valueSet{oid: u.OID, name: u.Name, labels: u.Labels, names: map[string]bool{facts.NormalizeName(u.Name.Name): true}}
	b.Schema.EachRelation(func(r *catalog.Relation) bool {
		for _, c := range r.Columns {
			if c.Type.OID == u.OID {
				t.names[facts.NormalizeName(c.Name)] = true
				t.tables = append(t.tables, r.Name)
			}
		}
		return true
	})
	return t
}

// columnValues returns the values of a column: the labels of its enum, or the list of a CHECK;
// nil for none.
func (b *Bound) columnValues(n catalog.Name, column string) *valueSet {
	if b.Schema == nil {
		return nil
	}
	r := b.Schema.Lookup(n.Schema, n.Name)
	if r == nil || r.Column(column) == nil {
		return nil
	}
	c := r.Column(column)
	if u := b.Schema.Type(c.Type.OID); u != nil {
		return b.findEnum(u.Name)
	}
	t := &valueSet{names: map[string]bool{facts.NormalizeName(column): true, facts.NormalizeName(facts.Singular(n.Name) + column): true}, tables: []catalog.Name{n}}
	for _, check := range r.Constraints {
		if check.Kind != catalog.Check {
			continue
		}
		for _, term := range predicate.ListConjuncts(check.Expr) {
			if list := predicate.AllowedValues(term, column); len(list) > 1 {
				t.labels = valueTexts(list)
			}
		}
	}
	if len(t.labels) < 2 {
		return nil
	}
	return t
}

// valueTexts returns the texts in a list of values.
func valueTexts(list []*predicate.Value) []string {
	var out []string
	for _, v := range list {
		if v.Kind == predicate.Text {
			out = append(out, v.Text)
		}
	}
	return out
}

// labelMatcher returns a function that finds constants which the server reads as labels of the
// enum. They are cast to it, compared with a column of it, written to one, or arguments
// of a function with such a parameter. If a query does not show what a constant is for,
// it counts if the query names such a column, or writes rows of such a table by position.
func (t *valueSet) labelMatcher(b *Bound) func(q *facts.Query, c *facts.Constant) bool {
	return func(q *facts.Query, c *facts.Constant) bool {
		switch {
		case c.Column != "":
			return t.isEnumColumn(b, q, c.Column, c.Of)
		case c.Type != "":
			return c.Type == t.name.Name && (c.Schema == "" || c.Schema == t.name.Schema)
		case c.Function != "" && !strings.HasPrefix(c.Function, "array_"):
			return t.isParameterOf(b, c.Function)
		}
		return slices.ContainsFunc(q.Columns, func(o facts.Column) bool { return t.isEnumColumn(b, q, o.Name, o.Of) }) ||
			slices.ContainsFunc(q.Writes, func(w facts.Write) bool {
				return !w.Listed && w.How == facts.Inserts && t.relationHasColumnOf(b, q.Relations[w.Relation], "")
			})
	}
}

// isEnumColumn reports whether a name in a query is a column of the enum.
func (t *valueSet) isEnumColumn(b *Bound, q *facts.Query, column string, sources []int) bool {
	return slices.ContainsFunc(sources, func(sourceIndex int) bool {
		return sourceIndex >= 0 && t.relationHasColumnOf(b, q.Relations[sourceIndex], column) &&
			b.meansColumn(q, column, sources, catalog.Name{Schema: q.Relations[sourceIndex].Schema, Name: q.Relations[sourceIndex].Name})
	})
}

// relationHasColumnOf reports whether a relation has a column of the enum: the given one, or any if it
// is "".
func (t *valueSet) relationHasColumnOf(b *Bound, relation facts.Relation, column string) bool {
	r := b.Schema.Lookup(relation.Schema, relation.Name)
	return r != nil && slices.ContainsFunc(r.Columns, func(c *catalog.Column) bool {
		return (column == "" || c.Name == column) && (c.Type.OID == t.oid || r.Kind == catalog.View && !c.Type.IsKnown() && t.names[facts.NormalizeName(c.Name)])
	})
}

// isParameterOf reports whether a function of the schema has a parameter of the enum.
func (t *valueSet) isParameterOf(b *Bound, function string) bool {
	found := false
	b.Schema.EachFunction(func(f *catalog.Function) bool {
		found = f.Name.Name == function && slices.ContainsFunc(f.Args, func(a catalog.Type) bool { return a.OID == t.oid })
		return !found
	})
	return found
}

// Label returns the places that know a label of an enum: queries that compare or write it
// as a value of the enum, and classes of constants that match the enum. Functions in the
// schema are not included, because their bodies are read from the schema.
func (b *Bound) Label(n catalog.Name, label string) []Use {
	t := b.findEnum(n)
	if t == nil {
		return nil
	}
	takes := t.labelMatcher(b)
	takesLabel := func(q *facts.Query, c *facts.Constant) bool { return !b.isKnownRoutine(q) && takes(q, c) }
	return b.rankUses(append(b.findConstantUses(label, takesLabel), b.findEnumClasses(t, label)...))
}

// Value returns the places that know a value of a column: queries that compare the column
// with it or write it, and classes of constants that match the column.
func (b *Bound) Value(n catalog.Name, column, value string) []Use {
	out := b.findConstantUses(value, func(q *facts.Query, c *facts.Constant) bool {
		if c.Column != "" {
			return c.Column == column && b.meansColumn(q, column, c.Of, n)
		}
		return c.Function == "" && slices.ContainsFunc(q.Columns, func(o facts.Column) bool { return o.Name == column && b.meansColumn(q, column, o.Of, n) })
	})
	if t := b.columnValues(n, column); t != nil {
		out = append(out, b.findEnumClasses(t, value)...)
	}
	return b.rankUses(out)
}

// findConstantUses returns the queries with a text as a constant, if matches returns true for it.
func (b *Bound) findConstantUses(text string, matches func(*facts.Query, *facts.Constant) bool) []Use {
	var out []Use
	for _, a := range b.constants[text] {
		q := &b.files[a.file].Facts.Queries[a.item]
		if c := &q.Constants[a.part]; !b.isSkipped(a.file) && matches(q, c) {
			out = append(out, Use{b.files[a.file].Path, c.Line, facts.Reads, facts.Parsed, rankQuery})
		}
	}
	return out
}

// findEnumClasses returns the classes of constants that match a set of values and have one value.
func (b *Bound) findEnumClasses(t *valueSet, value string) []Use {
	var out []Use
	var works map[*lexer.Language]bool
	for _, a := range b.enums[value] {
		f := &b.files[a.file]
		e := &f.Facts.Enums[a.item]
		if b.isSkipped(a.file) || !t.matchesEnumClass(e, value) {
			continue
		}
		if works == nil {
			works = b.enumLanguages(t)
		}
		if d := lexer.LanguageOf(f.Path); d == nil || works[d] { // Prisma's schema is no program
			out = append(out, Use{f.Path, e.Labels[a.part].Line, facts.Maps, facts.Parsed, rankModel})
		}
	}
	return out
}

// matchesEnumClass reports whether a class matches the set of values, and has one of its labels. The
// class must have all labels of the set, or only labels of it. Its name must be the enum's or
// a column's, perhaps with one of enumEndings. If the labels are exactly the same, other words
// may precede that name.
func (t *valueSet) matchesEnumClass(e *facts.Enum, label string) bool {
	for _, spelling := range []func(facts.Label) string{labelName, labelText} {
		sharedCount, found := 0, false
		for _, l := range e.Labels {
			if slices.Contains(t.labels, spelling(l)) {
				sharedCount++
			}
			found = found || spelling(l) == label
		}
		all, noExtra := sharedCount == len(t.labels), sharedCount == len(e.Labels)
		if !found || sharedCount < 2 || !all && !noExtra {
			continue
		}
		class := facts.NormalizeName(e.Class)
		if t.names[class] {
			return true
		}
		for knownName := range t.names {
			if rest, ok := strings.CutPrefix(class, knownName); ok && slices.Contains(enumEndings, rest) ||
				all && noExtra && len(knownName) >= minEnum && strings.HasSuffix(class, knownName) {
				return true
			}
		}
	}
	return false
}

// labelName and value are the two texts that a program may write to a column: the name of a
// constant, or its text.
func labelName(l facts.Label) string { return l.Name }

func labelText(l facts.Label) string { return cmp.Or(l.Text, l.Name) }

// minEnum is the minimal length of an enum's name that is significant at the end of a
// class's name.
const minEnum = 4

// enumEndings are suffixes of classes after the name of their column.
var enumEndings = []string{"s", "enum", "type", "value", "values", "option", "options", "choices", "schema"}

// enumLanguages returns the languages of the files that use the tables of an enum.
func (b *Bound) enumLanguages(t *valueSet) map[*lexer.Language]bool {
	out := map[*lexer.Language]bool{}
	for _, n := range t.tables {
		for file := range b.FilesUsing(n) {
			out[lexer.LanguageOf(file)] = true
		}
	}
	return out
}
