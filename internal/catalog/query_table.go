package catalog

import (
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// Table resolves a relation's name for query.BindStatement; nil if the catalog does not hold
// the relation.
func (c *Catalog) Table(rv *pgparse.RangeVar) query.Table {
	schema, name := pgparse.RangeName(rv)
	if r := c.findRelation(schema, name); r != nil {
		return r
	}
	return nil
}

// HasColumn reports whether the relation is known to have a column.
func (r *Relation) HasColumn(name string) bool { return r.Column(name) != nil }

// AllColumns are the columns that are known, in order.
func (r *Relation) AllColumns() []string {
	out := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		out[i] = c.Name
	}
	return out
}

// HasUnknownColumns reports whether the relation may have columns that are not known.
func (r *Relation) HasUnknownColumns() bool { return r.Inferred || r.Partial }
