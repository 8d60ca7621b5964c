package access

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// policyPath leads from a policy back to its table.
type policyPath struct {
	policy *catalog.Policy
	check  bool // from its condition for written rows
	tables []*catalog.Relation
}

// describeFailingCommands names the statements that take the way.
func (w *policyPath) describeFailingCommands() string {
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

// findRecursion follows a policy of a table; nil when it does not lead back.
func findRecursion(c *catalog.Catalog, r *catalog.Relation, p *catalog.Policy) *policyPath {
	f := &pathSearch{c: c}
	if p.Command != "insert" && f.leadsBack(r, p.Using, p.Roles) {
		return &policyPath{policy: p, tables: f.path}
	}
	if p.Command != "select" && p.Command != "delete" && f.leadsBack(r, p.Check, p.Roles) {
		return &policyPath{policy: p, check: true, tables: f.path}
	}
	return nil
}

// pathSearch searches for a path from a condition back to the first table.
type pathSearch struct {
	c    *catalog.Catalog
	path []*catalog.Relation
	seen []catalog.OID
}

// leadsBack reports whether a condition on a table leads back to where the path
// began, for one of the roles.
func (f *pathSearch) leadsBack(r *catalog.Relation, cond *pgparse.Node, roles []string) bool {
	f.path = append(f.path, r)
	for _, next := range listSubqueryTables(f.c, cond) {
		if next.OID == f.path[0].OID {
			// The server looks for subqueries in all policies for SELECT, in
			// both conditions, before it looks at what they read.
			if slices.ContainsFunc(next.Policies, func(q *catalog.Policy) bool {
				return appliesToSelect(q) && len(sharedRoles(roles, q.Roles)) > 0 && (hasSubquery(q.Using) || hasSubquery(q.Check))
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
			if both := sharedRoles(roles, q.Roles); appliesToSelect(q) && len(both) > 0 && f.leadsBack(next, q.Using, both) {
				return true
			}
		}
	}
	f.path = f.path[:len(f.path)-1]
	return false
}

func appliesToSelect(p *catalog.Policy) bool { return p.Command == "all" || p.Command == "select" }

// sharedRoles are the roles that two policies are for.
func sharedRoles(a, b []string) []string {
	switch {
	case slices.Contains(a, "public"):
		return b
	case slices.Contains(b, "public"):
		return a
	}
	return slices.DeleteFunc(slices.Clone(a), func(role string) bool { return !slices.Contains(b, role) })
}

func hasSubquery(cond *pgparse.Node) bool {
	return pgparse.Contains(cond, func(*pgparse.SubLink) bool { return true })
}

// listSubqueryTables returns the tables that the subqueries of a condition read. A view reads
// for its owner.
func listSubqueryTables(c *catalog.Catalog, cond *pgparse.Node) []*catalog.Relation {
	var out []*catalog.Relation
	for _, rv := range query.ListRelations(cond) {
		if r, _ := c.Resolve(rv); r != nil && r.Kind.IsTable() {
			out = append(out, r)
		}
	}
	return out
}
