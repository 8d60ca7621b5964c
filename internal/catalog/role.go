package catalog

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// RoleOptions are the options of a role by the parser's names, with the values that a role has if its statement does not give them.
// https://www.postgresql.org/docs/current/sql-createrole.html
var RoleOptions = map[string]string{
	"canlogin": "false", "superuser": "false", "createdb": "false", "createrole": "false", "inherit": "true", "isreplication": "false",
	"bypassrls": "false", "connectionlimit": "-1", "password": "", "validUntil": "infinity",
}

// createRole keeps a role with all of its options. CREATE USER is CREATE ROLE … LOGIN.
func (f *fold) createRole(s *pgparse.CreateRoleStmt) {
	options := maps.Clone(RoleOptions)
	if s.GetStmtType() == pgparse.RoleStmtType_ROLESTMT_USER {
		options["canlogin"] = "true"
	}
	readOptions(options, s.GetOptions())
	f.createObject(&Object{Kind: "role", Name: Name{"", clipName(s.GetRole())}, Options: options}, false, false)
	if f.failed {
		return
	}
	// What IN ROLE, ROLE and ADMIN name are members as by GRANT.
	for _, n := range s.GetOptions() {
		d := n.GetDefElem()
		if d.GetArg().GetList() == nil {
			continue
		}
		for _, other := range pgparse.ListItems(d.GetArg()) {
			member, granted := RoleName(other.GetRoleSpec()), s.GetRole()
			if d.GetDefname() == "addroleto" {
				member, granted = granted, member
			}
			f.changeMembership(granted, member, true)
		}
	}
}

// changeMembership makes a role a member of another one, or no member.
func (f *fold) changeMembership(granted, member string, isGrant bool) {
	role, other := &pgparse.AccessPriv{PrivName: granted}, &pgparse.RoleSpec{Roletype: pgparse.RoleSpecType_ROLESPEC_CSTRING, Rolename: member}
	f.grantRole(&pgparse.GrantRoleStmt{
		GrantedRoles: []*pgparse.Node{{Node: &pgparse.Node_AccessPriv{AccessPriv: role}}},
		GranteeRoles: []*pgparse.Node{{Node: &pgparse.Node_RoleSpec{RoleSpec: other}}}, IsGrant: isGrant,
	})
}

// alterRole keeps the options that ALTER ROLE gives. ALTER GROUP … ADD USER and DROP USER are GRANT and REVOKE of the role.
func (f *fold) alterRole(s *pgparse.AlterRoleStmt) {
	if d := findOption(s.GetOptions(), "rolemembers"); d != nil {
		for _, n := range pgparse.ListItems(d.GetArg()) {
			f.changeMembership(RoleName(s.GetRole()), RoleName(n.GetRoleSpec()), s.GetAction() > 0)
		}
		return
	}
	f.changeOptions("role", clipName(RoleName(s.GetRole())), func(options map[string]string) { readOptions(options, s.GetOptions()) })
}

// changeOptions changes the options of an object, which need not have been seen.
func (f *fold) changeOptions(kind, name string, change func(map[string]string)) {
	next := Object{Kind: kind, Name: Name{"", name}, Inferred: true}
	if o := f.Object(kind, next.Name); o != nil {
		next = *o
	} else if f.IsObjectDropped(kind, next.Name) {
		f.addProblem(true, pgerror.ObjectMissing, kind, name)
		return
	}
	next.Options = maps.Clone(next.Options)
	if next.Options == nil {
		next.Options = map[string]string{}
	}
	change(next.Options)
	f.storeObject(&next)
}

func readOptions(options map[string]string, list []*pgparse.Node) {
	for _, n := range list {
		if d := n.GetDefElem(); d.GetArg().GetList() == nil { // a list has other roles
			options[d.GetDefname()] = OptionText(d)
		}
	}
}

// OptionText returns the value of an option of a role or a database. An option without a value is true. A password is "set", and "" for NULL.
func OptionText(d *pgparse.DefElem) string {
	switch arg := d.GetArg(); {
	case d.GetDefname() == "password":
		if arg.GetString_().GetSval() == "" {
			return ""
		}
		return "set"
	case arg == nil:
		return "true"
	case arg.GetBoolean() != nil:
		return strconv.FormatBool(arg.GetBoolean().GetBoolval())
	case arg.GetInteger() != nil:
		return strconv.Itoa(int(arg.GetInteger().GetIval()))
	default:
		return arg.GetString_().GetSval()
	}
}

// KeepsConnections reports whether a connection limit lets as many sessions in as another one did. Negative is no limit, "" is not known.
func KeepsConnections(oldLimit, newLimit string) bool {
	before, err := strconv.Atoi(oldLimit)
	after, err2 := strconv.Atoi(newLimit)
	return err2 == nil && after < 0 || err == nil && err2 == nil && before >= 0 && after >= before
}

// NamesRole reports whether something shows that a role exists: a statement that works on it, or something that it owns, has privileges on or is
// named in a policy of.
func (c *Catalog) NamesRole(name string) bool {
	isNamed := func(owner string, grants []Grant) bool {
		return owner == name || slices.ContainsFunc(grants, func(g Grant) bool { return g.Role == name || g.Privilege == "role "+name })
	}
	for k, o := range c.objects.all() {
		if k.kind == "role" && k.name.Name == name || k.kind == "user mapping" && k.name.Name == name ||
			k.kind == "settings" && strings.HasPrefix(k.name.Name+" ", "role "+name+" ") || isNamed(o.Owner, o.Grants) {
			return true
		}
	}
	for r := range c.relations.all() {
		if isNamed(r.Owner, r.Grants) || slices.ContainsFunc(r.Policies, func(p *Policy) bool { return slices.Contains(p.Roles, name) }) {
			return true
		}
	}
	found := false
	c.EachFunction(func(fn *Function) bool {
		found = isNamed(fn.Owner, fn.Grants)
		return !found
	})
	return found
}

// SettingsOwner names the sessions that ALTER ROLE or ALTER DATABASE … SET is for: "role app", "all roles in database shop", "database shop".
// stmt is nil for another statement.
func SettingsOwner(msg any) (owner string, stmt *pgparse.VariableSetStmt) {
	switch s := msg.(type) {
	case *pgparse.AlterRoleSetStmt:
		owner = "all roles"
		if s.GetRole() != nil {
			owner = "role " + clipName(RoleName(s.GetRole()))
		}
		if s.GetDatabase() != "" {
			owner += " in database " + clipName(s.GetDatabase())
		}
		return owner, s.GetSetstmt()
	case *pgparse.AlterDatabaseSetStmt:
		return "database " + clipName(s.GetDbname()), s.GetSetstmt()
	}
	return "", nil
}

// setSessionDefaults is ALTER ROLE and ALTER DATABASE … SET and RESET: the settings with which new sessions begin.
func (f *fold) setSessionDefaults(msg any) {
	owner, set := SettingsOwner(msg)
	name := strings.ToLower(set.GetName())
	f.changeOptions("settings", owner, func(settings map[string]string) {
		switch set.GetKind() {
		case pgparse.VariableSetKind_VAR_SET_VALUE:
			settings[name] = cmp.Or(strings.Join(SettingTexts(set), ", "), `""`)
		case pgparse.VariableSetKind_VAR_SET_CURRENT:
			settings[name] = "its value in the migration's session"
		case pgparse.VariableSetKind_VAR_RESET_ALL:
			clear(settings)
		default:
			delete(settings, name)
		}
	})
}

// SettingTexts returns the values of a SET.
func SettingTexts(s *pgparse.VariableSetStmt) []string {
	var out []string
	for _, n := range s.GetArgs() {
		n = pgparse.StripCasts(n)
		c := n.GetAConst()
		switch {
		case c.GetIval() != nil:
			out = append(out, strconv.Itoa(int(c.GetIval().GetIval())))
		case c.GetFval() != nil:
			out = append(out, c.GetFval().GetFval())
		default:
			out = append(out, c.GetSval().GetSval())
		}
	}
	return out
}

// grantOnOther keeps the privileges on what has no object here: databases, languages, types, servers, wrappers, parameters and large objects.
func (f *fold) grantOnOther(s *pgparse.GrantStmt, grants []Grant) {
	for _, name := range PrivilegesOf(s) {
		next := Object{Kind: "privileges", Name: name}
		if o := f.Object(next.Kind, name); o != nil {
			next = *o
		}
		next.Grants, next.Taken = f.updateGrants(next.Grants, s.GetIsGrant(), grants, s.GetObjtype()), f.addRevokedGrants(next.Taken, s.GetIsGrant(), grants)
		f.storeObject(&next)
	}
}

// PrivilegesOf names the objects of a GRANT or REVOKE on what is neither a relation, a schema nor a function, as the catalog keeps their
// privileges: "database shop".
func PrivilegesOf(s *pgparse.GrantStmt) []Name {
	var out []Name
	for _, n := range s.GetObjects() {
		name := pgparse.StringText(n)
		switch {
		case n.GetList() != nil:
			_, name = pgparse.SchemaAndName(pgparse.ListItems(n))
		case n.GetTypeName() != nil:
			_, name = pgparse.SchemaAndName(n.GetTypeName().GetNames())
		case n.GetInteger() != nil:
			name = strconv.Itoa(int(n.GetInteger().GetIval()))
		}
		out = append(out, Name{"", ObjectWord(s.GetObjtype()) + " " + name})
	}
	return out
}
