package usage

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/predicate"
)

// valueSet is what the schema lets a column have: the labels of its enum, or the list
// of a CHECK.
type valueSet struct {
	oid    catalog.OID // of the enum
	name   catalog.Name
	labels []string
	names  map[string]bool // its own, and those of the columns that have it, in one spelling
	tables []catalog.Name  // that have such columns
}

// enum is the enum of a name; nil for one that is not known.
func (b *Bound) enum(n catalog.Name) *valueSet {
	if b.Schema == nil {
		return nil
	}
	u := b.Schema.LookupType(n.Schema, n.Name)
	if u == nil || u.Inferred || len(u.Labels) < 2 {
		return nil
	}
	t := &valueSet{oid: u.OID, name: u.Name, labels: u.Labels, names: map[string]bool{bare(u.Name.Name): true}}
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

// listed are the values of a column: the labels of its enum, or what a CHECK lists; nil
// for none.
func (b *Bound) listed(n catalog.Name, column string) *valueSet {
	if b.Schema == nil {
		return nil
	}
	r := b.Schema.Lookup(n.Schema, n.Name)
	if r == nil || r.Column(column) == nil {
		return nil
	}
	c := r.Column(column)
	if u := b.Schema.Type(c.Type.OID); u != nil {
		return b.enum(u.Name)
	}
	t := &valueSet{names: map[string]bool{bare(column): true, bare(Singular(n.Name) + column): true}, tables: []catalog.Name{n}}
	for _, check := range r.Constraints {
		if check.Kind != catalog.Check {
			continue
		}
		for _, term := range predicate.Conjuncts(check.Expr) {
			if list := predicate.Values(term, column); len(list) > 1 {
				t.labels = texts(list)
			}
		}
	}
	if len(t.labels) < 2 {
		return nil
	}
	return t
}

// texts are those of a list of values.
func texts(list []*predicate.Value) []string {
	var out []string
	for _, v := range list {
		if v.Kind == predicate.Text {
			out = append(out, v.Text)
		}
	}
	return out
}

// takes tells the constants that the server reads as labels of the enum: those that are
// cast to it, compared with a column of it or written there, and given to a function
// that takes it. Where a query does not say what one is for, it counts if the query names
// such a column, or writes rows of such a table by position.
func (t *valueSet) takes(b *Bound) func(q *Query, c *Constant) bool {
	return func(q *Query, c *Constant) bool {
		switch {
		case c.Column != "":
			return t.has(b, q, c.Column, c.Of)
		case c.Type != "":
			return c.Type == t.name.Name && (c.Schema == "" || c.Schema == t.name.Schema)
		case c.Function != "" && !strings.HasPrefix(c.Function, "array_"):
			return t.isArgument(b, c.Function)
		}
		return slices.ContainsFunc(q.Columns, func(o Column) bool { return t.has(b, q, o.Name, o.Of) }) ||
			slices.ContainsFunc(q.Writes, func(w Write) bool { return !w.Listed && w.How == Inserts && t.within(b, q.Relations[w.Relation], "") })
	}
}

// has reports whether a name in a query is a column of the enum.
func (t *valueSet) has(b *Bound, q *Query, column string, sources []int) bool {
	return slices.ContainsFunc(sources, func(of int) bool {
		return of >= 0 && t.within(b, q.Relations[of], column) && b.means(q, column, sources, catalog.Name{Schema: q.Relations[of].Schema, Name: q.Relations[of].Name})
	})
}

// within reports whether a relation has a column of the enum, by a name or by any.
func (t *valueSet) within(b *Bound, of Relation, column string) bool {
	r := b.Schema.Lookup(of.Schema, of.Name)
	return r != nil && slices.ContainsFunc(r.Columns, func(c *catalog.Column) bool {
		return (column == "" || c.Name == column) && (c.Type.OID == t.oid || r.Kind == catalog.View && !c.Type.Known() && t.names[bare(c.Name)])
	})
}

// isArgument reports whether a function of the schema takes the enum.
func (t *valueSet) isArgument(b *Bound, function string) bool {
	found := false
	b.Schema.EachFunction(func(f *catalog.Function) bool {
		found = f.Name.Name == function && slices.ContainsFunc(f.Args, func(a catalog.Type) bool { return a.OID == t.oid })
		return !found
	})
	return found
}
