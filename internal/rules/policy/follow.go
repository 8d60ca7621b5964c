package policy

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// way leads from a policy back to its table.
type way struct {
	policy *catalog.Policy
	check  bool // from its condition for written rows
	tables []*catalog.Relation
}

// fails names the statements that take the way.
func (w *way) fails() string {
	switch {
	case w.check && w.policy.Command == "all":
		return "each INSERT and UPDATE"
	case w.policy.Command == "insert":
		return "each INSERT"
	case w.policy.Command == "update":
		return "each UPDATE"
	case w.policy.Command == "delete":
		return "each DELETE"
	}
	return "each query"
}

// recurses follows a policy of a table; nil when it does not lead back.
func recurses(c *catalog.Catalog, r *catalog.Relation, p *catalog.Policy) *way {
	f := &follow{c: c}
	if p.Command != "insert" && f.reads(r, p.Using, p.Roles) {
		return &way{policy: p, tables: f.path}
	}
	if p.Command != "select" && p.Command != "delete" && f.reads(r, p.Check, p.Roles) {
		return &way{policy: p, check: true, tables: f.path}
	}
	return nil
}

// follow looks for the way back to the first table of its path.
type follow struct {
	c    *catalog.Catalog
	path []*catalog.Relation
	seen []catalog.OID
}

// reads reports whether a condition on a table leads back to where the path
// began, for one of the roles.
func (f *follow) reads(r *catalog.Relation, cond *pgparse.Node, roles []string) bool {
	f.path = append(f.path, r)
	for _, next := range tablesIn(f.c, cond) {
		if next.OID == f.path[0].OID {
			// The server looks for subqueries in all policies for SELECT, in
			// both conditions, before it looks at what they read.
			if slices.ContainsFunc(next.Policies, func(q *catalog.Policy) bool {
				return forSelect(q) && len(shared(roles, q.Roles)) > 0 && (subquery(q.Using) || subquery(q.Check))
			}) {
				return true
			}
			continue
		}
		if !next.RLS || slices.Contains(f.seen, next.OID) {
			continue
		}
		f.seen = append(f.seen, next.OID)
		for _, q := range next.Policies {
			if both := shared(roles, q.Roles); forSelect(q) && len(both) > 0 && f.reads(next, q.Using, both) {
				return true
			}
		}
	}
	f.path = f.path[:len(f.path)-1]
	return false
}

func forSelect(p *catalog.Policy) bool { return p.Command == "all" || p.Command == "select" }

// shared are the roles that two policies are for.
func shared(a, b []string) []string {
	switch {
	case slices.Contains(a, "public"):
		return b
	case slices.Contains(b, "public"):
		return a
	}
	return slices.DeleteFunc(slices.Clone(a), func(role string) bool { return !slices.Contains(b, role) })
}

func subquery(cond *pgparse.Node) bool {
	found := false
	pgparse.Walk(cond, func(msg any) bool {
		_, is := msg.(*pgparse.SubLink)
		found = found || is
		return !found
	})
	return found
}

// tablesIn are the tables that the subqueries of a condition read. A view reads
// for its owner.
func tablesIn(c *catalog.Catalog, cond *pgparse.Node) []*catalog.Relation {
	var out []*catalog.Relation
	for _, rv := range query.Relations(cond) {
		if r, _ := c.Resolve(rv); r != nil && r.Kind.IsTable() {
			out = append(out, r)
		}
	}
	return out
}
