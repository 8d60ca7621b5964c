package catalog

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

func compareNames(a, b Name) int {
	return cmp.Or(strings.Compare(a.Schema, b.Schema), strings.Compare(a.Name, b.Name))
}

// https://www.postgresql.org/docs/current/sql-grant.html and REVOKE
func (f *fold) applyGrant(s *pgparse.GrantStmt) {
	if s.GetTargtype() == pgparse.GrantTargetType_ACL_TARGET_OBJECT && s.GetObjtype() == pgparse.ObjectType_OBJECT_TABLE {
		f.checkGrantedColumns(s)
	}
	if f.failed || !s.GetIsGrant() && s.GetGrantOption() {
		return // GRANT OPTION FOR: the privilege stays, but for granting it on
	}
	grants := GrantsOf(s)
	switch {
	case s.GetObjtype() == pgparse.ObjectType_OBJECT_FUNCTION || s.GetObjtype() == pgparse.ObjectType_OBJECT_PROCEDURE ||
		s.GetObjtype() == pgparse.ObjectType_OBJECT_ROUTINE:
		f.grantExecute(s, grants)
	case s.GetTargtype() == pgparse.GrantTargetType_ACL_TARGET_ALL_IN_SCHEMA:
		f.grantOnAllInSchema(s, grants)
	case s.GetObjtype() == pgparse.ObjectType_OBJECT_TABLE || s.GetObjtype() == pgparse.ObjectType_OBJECT_SEQUENCE:
		kind := KindOfObject(s.GetObjtype())
		for _, n := range s.GetObjects() {
			if r := f.requireRelation(n.GetRangeVar(), kind, false); r != nil {
				f.grantOnRelation(r.OID, s.GetIsGrant(), grants)
			}
		}
	case s.GetObjtype() == pgparse.ObjectType_OBJECT_SCHEMA:
		for _, n := range s.GetObjects() {
			o := f.Object("schema", Name{"", clipName(pgparse.StringText(n))})
			if o == nil {
				continue // public, or one that was not seen
			}
			next := *o
			next.Grants, next.Taken = f.updateGrants(o.Grants, s.GetIsGrant(), grants, s.GetObjtype()), f.addRevokedGrants(o.Taken, s.GetIsGrant(), grants)
			f.storeObject(&next)
		}
	default:
		f.grantOnOther(s, grants)
	}
}

// checkGrantedColumns looks for the columns that privileges name.
func (f *fold) checkGrantedColumns(s *pgparse.GrantStmt) {
	for _, n := range s.GetObjects() {
		r := f.requireRelation(n.GetRangeVar(), Table, false)
		if r == nil {
			return
		}
		for _, p := range s.GetPrivileges() {
			for _, name := range pgparse.StringTexts(p.GetAccessPriv().GetCols()) {
				if !IsSystemColumn(name) {
					f.requireColumn(r.OID, name, false)
				}
			}
		}
	}
}

// GrantsOf are the privileges of a statement, per role. Those on columns name
// them: "select (a, b)".
func GrantsOf(s *pgparse.GrantStmt) []Grant {
	var privileges []string
	for _, n := range s.GetPrivileges() {
		p := strings.ToLower(n.GetAccessPriv().GetPrivName())
		if p == "" {
			p = "all"
		}
		if cols := pgparse.StringTexts(n.GetAccessPriv().GetCols()); len(cols) > 0 {
			p += " (" + strings.Join(cols, ", ") + ")"
		}
		privileges = append(privileges, p)
	}
	if len(privileges) == 0 {
		privileges = []string{"all"}
	}
	var out []Grant
	for _, g := range s.GetGrantees() {
		for _, p := range privileges {
			out = append(out, Grant{RoleName(g.GetRoleSpec()), p})
		}
	}
	return out
}

func (f *fold) grantOnRelation(oid OID, isGrant bool, grants []Grant) {
	r := f.editRelation(oid)
	kind := pgparse.ObjectType_OBJECT_TABLE
	if r.Kind == Sequence {
		kind = pgparse.ObjectType_OBJECT_SEQUENCE
	}
	rare := r.copyRare()
	rare.Grants, rare.Taken = f.updateGrants(r.Grants, isGrant, grants, kind), f.addRevokedGrants(r.Taken, isGrant, grants)
}

// updateGrants adds or takes privileges on a kind of object.
func (f *fold) updateGrants(old []Grant, isGrant bool, grants []Grant, kind pgparse.ObjectType) []Grant {
	next := old
	for _, g := range grants {
		if isGrant {
			if !slices.Contains(next, g) {
				next = appendShared(f, next, g)
			}
			continue
		}
		revokedPrivilege := parsePrivilege(g.Privilege)
		var left []Grant
		for _, o := range next {
			if o.Role != g.Role {
				left = append(left, o)
				continue
			}
			for _, privilege := range parsePrivilege(o.Privilege).listRemaining(revokedPrivilege, ListPrivileges(kind)) {
				if grant := (Grant{o.Role, privilege}); !slices.Contains(left, grant) {
					left = append(left, grant)
				}
			}
		}
		next = left
	}
	return next
}

// addRevokedGrants notes what a REVOKE takes, whether somebody was seen to grant it or not.
func (f *fold) addRevokedGrants(old []Grant, isGrant bool, grants []Grant) []Grant {
	if isGrant {
		return old
	}
	return f.updateGrants(old, true, grants, pgparse.ObjectType_OBJECT_TYPE_UNDEFINED)
}

// IsNoopRevoke reports whether a REVOKE of a privilege takes nothing from a role: the
// privilege was revoked before, and not granted again since. grants and revokedGrants are the
// object's lists.
func IsNoopRevoke(grants, revokedGrants []Grant, g Grant) bool {
	return slices.ContainsFunc(revokedGrants, func(o Grant) bool {
		return o.Role == g.Role && (o.Privilege == "all" || o.Privilege == g.Privilege)
	}) && !slices.ContainsFunc(grants, func(o Grant) bool {
		return o.Role == g.Role && (o.Privilege == "all" || g.Privilege == "all" || o.Privilege == g.Privilege)
	})
}

// grantOnAllInSchema is ON ALL TABLES (SEQUENCES, …) IN SCHEMA.
func (f *fold) grantOnAllInSchema(s *pgparse.GrantStmt, grants []Grant) {
	for _, n := range s.GetObjects() {
		schema := clipName(pgparse.StringText(n))
		for _, oid := range f.sortedRelations(func(r *Relation) bool {
			if r.Name.Schema != schema {
				return false
			}
			switch s.GetObjtype() {
			case pgparse.ObjectType_OBJECT_TABLE:
				return r.Kind.IsTable() || r.Kind == View || r.Kind == MaterializedView || r.Kind == ForeignTable
			case pgparse.ObjectType_OBJECT_SEQUENCE:
				return r.Kind == Sequence
			}
			return false
		}) {
			f.grantOnRelation(oid, s.GetIsGrant(), grants)
		}
	}
}

// grantExecute is ON FUNCTION, PROCEDURE or ROUTINE, and ON ALL of them.
func (f *fold) grantExecute(s *pgparse.GrantStmt, grants []Grant) {
	matches := func(fn *Function) bool {
		switch s.GetObjtype() {
		case pgparse.ObjectType_OBJECT_FUNCTION:
			return fn.Kind != "procedure"
		case pgparse.ObjectType_OBJECT_PROCEDURE:
			return fn.Kind == "procedure"
		}
		return true
	}
	if s.GetTargtype() != pgparse.GrantTargetType_ACL_TARGET_ALL_IN_SCHEMA {
		for _, n := range s.GetObjects() {
			if name, list, index := f.findFunction(n.GetObjectWithArgs()); index >= 0 {
				f.grantFunction(name, list, s.GetIsGrant(), grants, func(fn *Function) bool { return fn == list[index] && matches(fn) })
			}
		}
		return
	}
	for _, n := range s.GetObjects() {
		schema := clipName(pgparse.StringText(n))
		var names []Name
		f.EachFunction(func(fn *Function) bool {
			if fn.Name.Schema == schema && matches(fn) {
				names = append(names, fn.Name)
			}
			return true
		})
		slices.SortFunc(names, compareNames)
		for _, name := range slices.Compact(names) {
			f.grantFunction(name, f.functionsNamed(name), s.GetIsGrant(), grants, matches)
		}
	}
}

func (f *fold) grantFunction(name Name, list []*Function, isGrant bool, grants []Grant, matches func(*Function) bool) {
	list = slices.Clone(list)
	for i, old := range list {
		if !matches(old) {
			continue
		}
		fn := *old
		for _, g := range grants {
			if g.Role == "public" {
				fn.Closed = !isGrant
			} else {
				execute := []Grant{{g.Role, "execute"}}
				fn.Grants, fn.Taken = f.updateGrants(fn.Grants, isGrant, execute, pgparse.ObjectType_OBJECT_FUNCTION), f.addRevokedGrants(fn.Taken, isGrant, execute)
			}
		}
		list[i] = &fn
	}
	f.setFunctions(name, list)
}

// grantRole is GRANT role TO role.
func (f *fold) grantRole(s *pgparse.GrantRoleStmt) {
	for _, g := range s.GetGranteeRoles() {
		name := Name{"", clipName(RoleName(g.GetRoleSpec()))}
		next := Object{Kind: "role", Name: name, Inferred: true}
		if o := f.Object("role", name); o != nil {
			next = *o
		} else if f.IsObjectDropped("role", name) || !s.GetIsGrant() {
			continue
		}
		var grants []Grant
		for _, r := range s.GetGrantedRoles() {
			grants = append(grants, Grant{name.Name, "role " + r.GetAccessPriv().GetPrivName()})
		}
		next.Grants = f.updateGrants(next.Grants, s.GetIsGrant(), grants, pgparse.ObjectType_OBJECT_ROLE)
		f.storeObject(&next)
	}
}

// https://www.postgresql.org/docs/current/sql-alterdefaultprivileges.html
func (f *fold) alterDefaultPrivileges(s *pgparse.AlterDefaultPrivilegesStmt) {
	name := Name{"", "default privileges"}
	if d := findOption(s.GetOptions(), "schemas"); d != nil {
		var schemas []string
		for _, n := range pgparse.ListItems(d.GetArg()) {
			schemas = append(schemas, pgparse.StringText(n))
		}
		name.Name += " in " + strings.Join(schemas, ", ")
	}
	o := &Object{Kind: "default privileges", Name: name}
	if old := f.Object(o.Kind, o.Name); old != nil {
		o.Grants, o.Closed = old.Grants, old.Closed
	}
	grants := GrantsOf(s.GetAction())
	switch s.GetAction().GetObjtype() {
	case pgparse.ObjectType_OBJECT_FUNCTION, pgparse.ObjectType_OBJECT_ROUTINE:
		// For one schema, privileges that PUBLIC has in all schemas cannot be revoked.
		if findOption(s.GetOptions(), "schemas") == nil && slices.ContainsFunc(grants, func(g Grant) bool { return g.Role == "public" }) {
			o.Closed = !s.GetAction().GetIsGrant()
		}
	}
	for i := range grants {
		grants[i].Privilege += " on " + ObjectWord(s.GetAction().GetObjtype()) + "s"
	}
	o.Grants = f.updateGrants(o.Grants, s.GetAction().GetIsGrant(), grants, s.GetAction().GetObjtype())
	f.storeObject(o)
}

// alterOwner is ALTER … OWNER TO for what is no table: those come as ALTER
// TABLE.
func (f *fold) alterOwner(s *pgparse.AlterOwnerStmt) {
	owner := RoleName(s.GetNewowner())
	switch s.GetObjectType() {
	case pgparse.ObjectType_OBJECT_TYPE, pgparse.ObjectType_OBJECT_DOMAIN:
		if u := f.requireType(pgparse.ListItems(s.GetObject()), Base, false); u != nil {
			f.changeType(u.OID, func(t *UserType) { t.Owner = owner })
		}
	case pgparse.ObjectType_OBJECT_FUNCTION, pgparse.ObjectType_OBJECT_PROCEDURE, pgparse.ObjectType_OBJECT_ROUTINE, pgparse.ObjectType_OBJECT_AGGREGATE:
		if name, list, index := f.findFunction(s.GetObject().GetObjectWithArgs()); index >= 0 {
			f.setFunctionOwner(name, list, index, owner)
		}
	default:
		kind := ObjectWord(s.GetObjectType())
		o := f.Object(kind, f.objectName(s.GetObjectType(), s.GetObject()))
		if o == nil {
			return // not seen
		}
		next := *o
		next.Owner = owner
		f.storeObject(&next)
	}
}
