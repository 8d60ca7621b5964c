package catalog

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// InsteadOf returns the events for which a view has enabled INSTEAD OF triggers:
// "insert", "update", "delete".
func (r *Relation) InsteadOf() []string {
	var out []string
	for _, g := range r.Triggers {
		if g.Timing == "instead of" && g.Enabled {
			out = append(out, strings.Split(g.Events, " or ")...)
		}
	}
	return out
}

// maxViews bounds the depth of views over views.
const maxViews = 10

// IsUpdatable reports whether a view is surely automatically updatable.
func (c *Catalog) IsUpdatable(r *Relation) bool { return c.isUpdatable(r, 0) }

func (c *Catalog) isUpdatable(r *Relation, depth int) bool {
	if c.explainReadOnly(r, depth) != "" || r.View == nil || depth > maxViews {
		return false
	}
	for _, n := range r.View.Query.GetSelectStmt().GetTargetList() {
		if _, known := c.findRowlessCall(n); !known {
			return false
		}
	}
	from := r.View.Query.GetSelectStmt().GetFromClause()
	if len(from) != 1 {
		return false
	}
	base, known := c.Resolve(from[0].GetRangeVar())
	return known && (base.Kind.IsTable() || base.Kind == View && c.isUpdatable(base, depth+1))
}

// ReadOnly returns why a view is not automatically updatable
// (view_query_is_auto_updatable), in the server's words; "" if it is updatable, or if
// that is not known.
func (c *Catalog) ReadOnly(r *Relation) string { return c.explainReadOnly(r, 0) }

func (c *Catalog) explainReadOnly(r *Relation, depth int) string {
	if r.Kind == MaterializedView {
		return "it is a materialized view now"
	}
	if r.View == nil || depth > maxViews {
		return ""
	}
	q := r.View.Query.GetSelectStmt()
	switch {
	case q == nil:
		return ""
	case len(q.GetDistinctClause()) > 0:
		return "views containing DISTINCT are not automatically updatable"
	case len(q.GetGroupClause()) > 0:
		return "views containing GROUP BY are not automatically updatable"
	case q.GetHavingClause() != nil:
		return "views containing HAVING are not automatically updatable"
	case q.GetLarg() != nil:
		return "views containing UNION, INTERSECT, or EXCEPT are not automatically updatable"
	case q.GetWithClause() != nil:
		return "views containing WITH are not automatically updatable"
	case q.GetLimitCount() != nil || q.GetLimitOffset() != nil:
		return "views containing LIMIT or OFFSET are not automatically updatable"
	case len(q.GetFromClause()) != 1 || q.GetFromClause()[0].GetRangeVar() == nil:
		return "views that do not select from a single table or view are not automatically updatable"
	}
	for _, n := range q.GetTargetList() {
		if reason, _ := c.findRowlessCall(n); reason != "" {
			return reason
		}
	}
	base, known := c.Resolve(q.GetFromClause()[0].GetRangeVar())
	switch {
	case !known || base.Kind.IsTable() || base.Kind == ForeignTable:
	case base.Kind == MaterializedView:
		return "it reads a materialized view"
	case base.Kind == View && len(base.Rules) == 0 && len(base.InsteadOf()) == 0:
		return c.explainReadOnly(base, depth+1)
	}
	return ""
}

// BaseOfView returns the relation to which an automatically updatable view passes writes; nil
// if it is unknown.
func (c *Catalog) BaseOfView(view *Relation) *Relation {
	from := view.View.Query.GetSelectStmt().GetFromClause()
	if len(from) != 1 || from[0].GetRangeVar() == nil {
		return nil
	}
	if len(view.View.Reads) == 1 {
		return c.Relation(view.View.Reads[0])
	}
	if base, known := c.Resolve(from[0].GetRangeVar()); known && slices.Contains(view.View.Reads, base.OID) {
		return base
	}
	return nil
}

// TableOfView returns the table to which a relation passes writes through views: itself if it is a table, nil if the table is unknown
// or the views read each other.
func (c *Catalog) TableOfView(r *Relation) *Relation {
	for seen := []*Relation{}; r != nil && r.View != nil; r = c.BaseOfView(r) {
		if slices.Contains(seen, r) {
			return nil
		}
		seen = append(seen, r)
	}
	return r
}

// viewTarget returns the expression of a view's column; nil if it is unknown, because the
// column may come from a *.
func (r *Relation) viewTarget(name string) *pgparse.Node {
	if r.View == nil || r.View.Star {
		return nil
	}
	list := r.View.Query.GetSelectStmt().GetTargetList()
	for i, c := range r.Columns {
		if c.Name == name && i < len(list) && len(list) == len(r.Columns) {
			return list[i].GetResTarget().GetVal()
		}
	}
	return nil
}

// IsComputed reports whether a view's column is an expression, so that only a trigger or a
// rule can write to it.
func (c *Catalog) IsComputed(view *Relation, name string) bool {
	val := view.viewTarget(name)
	if val == nil {
		return false
	}
	ref := val.GetColumnRef()
	return ref == nil || IsSystemColumn(pgparse.LastText(ref.GetFields()))
}

// IsPlainColumn reports whether a view's column is known to be a column of the relation that
// the view reads.
func (c *Catalog) IsPlainColumn(view *Relation, name string) bool {
	if view.View == nil || view.Column(name) == nil {
		return false
	}
	if list := view.View.Query.GetSelectStmt().GetTargetList(); len(list) == 1 && pgparse.EndsInStar(list[0].GetResTarget().GetVal().GetColumnRef()) {
		return true
	}
	return view.viewTarget(name) != nil && !c.IsComputed(view, name)
}

// BaseColumns returns the names that a view's columns have in the relation that it reads, as
// far as they are known.
func (c *Catalog) BaseColumns(view *Relation, names []string) []string {
	out := slices.Clone(names)
	for i, name := range names {
		if ref := view.viewTarget(name).GetColumnRef(); ref != nil {
			out[i] = pgparse.LastText(ref.GetFields())
		}
	}
	return out
}
