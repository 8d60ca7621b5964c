package index

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
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
