package catalog

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// https://www.postgresql.org/docs/current/sql-createpolicy.html
func (f *fold) createPolicy(s *pgparse.CreatePolicyStmt) {
	r := f.requireRelation(s.GetTable(), Table, false)
	if r == nil {
		return
	}
	r = f.editRelation(r.OID)
	p := &Policy{
		Name: clipName(s.GetPolicyName()), Command: strings.ToLower(s.GetCmdName()), Permissive: s.GetPermissive(),
		Roles: roleNames(s.GetRoles()), Using: s.GetQual(), Check: s.GetWithCheck(),
	}
	f.inferColumns(r, s.GetQual())
	f.inferColumns(r, s.GetWithCheck())
	p.Uses, p.Reads = f.policyReads(r, s.GetQual(), s.GetWithCheck())
	if i := slices.IndexFunc(r.Policies, func(o *Policy) bool { return o.Name == p.Name }); i >= 0 {
		f.addProblem(f.isHistoryComplete() && !r.Inferred, pgerror.PolicyExists, p.Name, r.Name.Name)
		if f.failed {
			return
		}
		r.copyRare().Policies = slices.Delete(slices.Clone(r.Policies), i, i+1)
	}
	p.ID = f.newOID()
	f.using = true
	r.copyRare().Policies = appendShared(f, r.Policies, p)
}

// https://www.postgresql.org/docs/current/sql-alterpolicy.html
func (f *fold) alterPolicy(s *pgparse.AlterPolicyStmt) {
	r := f.requireRelation(s.GetTable(), Table, false)
	if r == nil {
		return
	}
	r = f.editRelation(r.OID)
	name := clipName(s.GetPolicyName())
	for i, p := range r.Policies {
		if p.Name != name {
			continue
		}
		next := *p
		if len(s.GetRoles()) > 0 {
			next.Roles = roleNames(s.GetRoles())
		}
		if s.GetQual() != nil {
			next.Using = s.GetQual()
		}
		if s.GetWithCheck() != nil {
			next.Check = s.GetWithCheck()
		}
		next.Uses, next.Reads = f.policyReads(r, s.GetQual(), s.GetWithCheck())
		if next.Using != s.GetQual() || next.Check != s.GetWithCheck() {
			// One of the two conditions stays. Which columns it alone reads is not known.
			next.Uses, next.Reads = mergeAttnums(p.Uses, next.Uses), append(slices.Clone(p.Reads), next.Reads...)
		}
		r.copyRare().Policies = slices.Clone(r.Policies)
		r.Policies[i] = &next
		f.using = true
		return
	}
	if !r.Inferred && !r.Partial {
		f.addProblem(f.isHistoryComplete(), pgerror.ObjectMissingOn, "policy", name, r.Name.Name)
	}
}

// policyReads are the columns that a policy's conditions read: of its own table,
// and of others.
func (f *fold) policyReads(r *Relation, conditions ...*pgparse.Node) (ownColumns []int16, otherReads []ReadColumns) {
	read := f.newReader()
	for _, n := range conditions {
		if !containsQuery(n) {
			ownColumns = mergeAttnums(ownColumns, r.attnumsIn(n))
			continue
		}
		// A name in a sub-query may mean a column of another table.
		read.readExpr(n, &query.Source{Alias: r.Name.Name, Table: r})
	}
	ownColumns = mergeAttnums(ownColumns, read.q.columns[r.OID])
	for _, oid := range read.q.reads {
		if oid != r.OID {
			otherReads = append(otherReads, ReadColumns{oid, read.q.columns[oid]})
		}
	}
	return ownColumns, otherReads
}

// containsQuery reports whether an expression has a sub-query in it.
func containsQuery(expr *pgparse.Node) bool {
	found := false
	if expr != nil {
		pgparse.Walk(expr, func(msg any) bool {
			if _, ok := msg.(*pgparse.SubLink); ok {
				found = true
			}
			return !found
		})
	}
	return found
}

// PolicyOn is a policy with its table.
type PolicyOn struct {
	Table  *Relation
	Policy *Policy
}

// PoliciesOver returns other tables' policies that read the relation or, if column is not 0,
// that column. The oldest table is first.
func (c *Catalog) PoliciesOver(relation OID, column int16) []PolicyOn {
	list, ok := c.typed.get(relation)
	if !ok {
		return nil
	}
	var out []PolicyOn
	for _, t := range c.listUsers(list) {
		for _, p := range t.Policies {
			if containsColumnRead(p.Reads, relation, column) {
				out = append(out, PolicyOn{t, p})
			}
		}
	}
	return out
}

// containsColumnRead reports whether a list has a relation and, if column is not 0, that column.
func containsColumnRead(list []ReadColumns, relation OID, column int16) bool {
	return slices.ContainsFunc(list, func(x ReadColumns) bool {
		return x.Relation == relation && (column == 0 || slices.Contains(x.Columns, column))
	})
}

// dropPoliciesOver drops the policies that depend on a relation or a column.
func (f *fold) dropPoliciesOver(relation OID, column int16) {
	for _, x := range f.PoliciesOver(relation, column) {
		if t := f.editRelation(x.Table.OID); t != nil {
			t.copyRare().Policies = slices.DeleteFunc(slices.Clone(t.Policies), func(p *Policy) bool { return containsColumnRead(p.Reads, relation, column) })
		}
	}
}

// roleNames are the roles of a list.
func roleNames(list []*pgparse.Node) []string {
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = RoleName(n.GetRoleSpec())
	}
	return out
}

func mergeAttnums(a, b []int16) []int16 {
	out := slices.Clone(a)
	for _, x := range b {
		if !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}
