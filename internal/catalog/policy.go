package catalog

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// https://www.postgresql.org/docs/current/sql-createpolicy.html
func (f *fold) createPolicy(s *pgparse.CreatePolicyStmt) {
	r := f.relation(s.GetTable(), Table, false)
	if r == nil {
		return
	}
	r = f.edit(r.OID)
	p := &Policy{
		Name: clip(s.GetPolicyName()), Command: strings.ToLower(s.GetCmdName()), Permissive: s.GetPermissive(),
		Roles: roleNames(s.GetRoles()), Using: s.GetQual(), Check: s.GetWithCheck(),
	}
	f.inferIn(r, s.GetQual())
	f.inferIn(r, s.GetWithCheck())
	p.Uses = union(r.attnumsIn(s.GetQual()), r.attnumsIn(s.GetWithCheck()))
	if i := slices.IndexFunc(r.Policies, func(o *Policy) bool { return o.Name == p.Name }); i >= 0 {
		f.fail(f.sure() && !r.Inferred, "42710", "policy %q for table %q already exists", p.Name, r.Name.Name)
		if f.failed {
			return
		}
		r.own().Policies = slices.Delete(slices.Clone(r.Policies), i, i+1)
	}
	p.ID = f.newOID()
	f.using = true
	r.own().Policies = with(r.Policies, p)
}

// https://www.postgresql.org/docs/current/sql-alterpolicy.html
func (f *fold) alterPolicy(s *pgparse.AlterPolicyStmt) {
	r := f.relation(s.GetTable(), Table, false)
	if r == nil {
		return
	}
	r = f.edit(r.OID)
	name := clip(s.GetPolicyName())
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
		next.Uses = union(p.Uses, union(r.attnumsIn(s.GetQual()), r.attnumsIn(s.GetWithCheck())))
		r.own().Policies = slices.Clone(r.Policies)
		r.Policies[i] = &next
		f.using = true
		return
	}
	if !r.Inferred && !r.Partial {
		f.fail(f.sure(), "42704", "policy %q for table %q does not exist", name, r.Name.Name)
	}
}

// roleNames are the roles of a list.
func roleNames(list []*pgparse.Node) []string {
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = roleName(n.GetRoleSpec())
	}
	return out
}

func union(a, b []int16) []int16 {
	out := slices.Clone(a)
	for _, x := range b {
		if !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}

// https://www.postgresql.org/docs/current/sql-createrule.html
func (f *fold) createRule(s *pgparse.RuleStmt) {
	r := f.relation(s.GetRelation(), Table, false)
	if r == nil {
		return
	}
	r = f.edit(r.OID)
	name := clip(s.GetRulename())
	if slices.Contains(r.Rules, name) {
		if !s.GetReplace() {
			f.fail(f.sure() && !r.Inferred, "42710", "rule %q for relation %q already exists", name, r.Name.Name)
		}
		return
	}
	r.own().Rules = with(r.Rules, name)
}
