package access

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// RoleRestricted flags a role that can no longer connect, or loses an attribute or a membership.
// https://www.postgresql.org/docs/current/role-attributes.html
var RoleRestricted = &rule.Rule{
	ID:       "role-restricted",
	Category: onward.Compatibility,
	Severity: onward.Warning,
	Summary:  "a role that deployed code may connect as is dropped, renamed, or loses its login, an attribute or a membership",
	Harm: "Connections that are open keep working. The pool of the deployed code opens new ones, and each of them fails: " +
		"role does not exist, role is not permitted to log in, password authentication failed. " +
		"Without an attribute or a membership, statements fail with \"permission denied\", or policies hide rows from them.",
	Instead: "Let the new code connect as another role first, and restrict this one when no old code runs any more.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/role-attributes.html", "https://www.postgresql.org/docs/current/sql-alterrole.html",
		"https://www.postgresql.org/docs/current/role-membership.html",
	},
	Kinds:     rule.Another,
	Statement: checkRole,
}

func checkRole(p *rule.Pass, s *rule.Stmt) {
	if s.Tx.RolledBack {
		return
	}
	switch stmt := pgparse.Unwrap(s.Node).(type) {
	case *pgparse.DropRoleStmt:
		for _, n := range stmt.GetRoles() {
			name := catalog.RoleName(n.GetRoleSpec())
			role := catalog.Name{Name: name}
			if displayRole(name) != name || !isDeployedRole(p, s, name) || roleExistsAfterTx(s, name) {
				continue // the server refuses DROP ROLE CURRENT_USER
			}
			harm := "new connections of deployed code that connects as " + name + " fail: role does not exist"
			if s.Before.Object("role", role) == nil && stmt.GetMissingOk() {
				if s.Before.IsObjectDropped("role", role) || s.Migration.After().Object("role", role) != nil {
					continue // there is none; if a later statement makes it, most likely
				}
				if !p.Release.Deployed.NamesRole(name) {
					fact := "role " + name + " is dropped, and no migration shows that it exists"
					reportRole(p, s, rule.Report{Fact: fact, Harm: "if it does, " + harm, Severity: onward.Info}, name)
					continue
				}
			}
			reportRole(p, s, rule.Report{Fact: "role " + name + " is dropped", Harm: harm}, name)
		}
	case *pgparse.RenameStmt:
		if name := stmt.GetSubname(); stmt.GetRenameType() == pgparse.ObjectType_OBJECT_ROLE && isDeployedRole(p, s, name) && !roleExistsAfterTx(s, name) {
			reportRole(p, s, rule.Report{
				Fact: "role " + name + " is renamed to " + stmt.GetNewname(),
				Harm: "new connections of deployed code that connects as " + name + " fail: role does not exist",
			}, name)
		}
	case *pgparse.AlterRoleStmt:
		name := catalog.RoleName(stmt.GetRole())
		if !isDeployedRole(p, s, name) {
			return
		}
		for _, n := range stmt.GetOptions() {
			checkRoleOption(p, s, name, n.GetDefElem())
		}
		if d := stmt.GetOptions(); stmt.GetAction() < 0 && len(d) > 0 {
			checkMembers(p, s, []string{name}, pgparse.ListItems(d[0].GetDefElem().GetArg()))
		}
	case *pgparse.GrantRoleStmt:
		admin := func(n *pgparse.Node) bool { return n.GetDefElem().GetDefname() == "admin" }
		if stmt.GetIsGrant() || slices.ContainsFunc(stmt.GetOpt(), admin) {
			return
		}
		var groups []string
		for _, n := range stmt.GetGrantedRoles() {
			groups = append(groups, n.GetAccessPriv().GetPrivName())
		}
		checkMembers(p, s, groups, stmt.GetGranteeRoles())
	}
}

// checkMembers reports roles that are no longer members of others.
func checkMembers(p *rule.Pass, s *rule.Stmt, groups []string, members []*pgparse.Node) {
	for _, n := range members {
		name := catalog.RoleName(n.GetRoleSpec())
		if !isDeployedRole(p, s, name) {
			continue
		}
		lost := slices.DeleteFunc(slices.Clone(groups), func(group string) bool {
			member := catalog.Grant{Role: name, Privilege: "role " + group}
			isMember := func(c *catalog.Catalog) bool {
				o := c.Object("role", catalog.Name{Name: name})
				return o != nil && slices.Contains(o.Grants, member)
			}
			deployed := p.Release.Deployed.Object("role", catalog.Name{Name: name})
			isMadeHere := !isMember(p.Release.Deployed) && (isMember(s.Before) || deployed != nil && !deployed.Inferred)
			return isMadeHere || isMember(s.Tx.After) || isNewRole(p, s, group)
		})
		if len(lost) > 0 {
			list := strings.Join(lost, ", ")
			reportRole(p, s, rule.Report{
				Fact: labelRole(name) + " is no longer a member of " + list,
				Harm: "deployed code that connects as " + displayRole(name) + " loses what was granted to " + list + ": permission denied",
			}, name)
		}
	}
}

// checkRoleOption reports an option that takes something from a role.
func checkRoleOption(p *rule.Pass, s *rule.Stmt, name string, d *pgparse.DefElem) {
	option, value := d.GetDefname(), catalog.OptionText(d)
	if now := s.Tx.After.Object("role", catalog.Name{Name: name}); now != nil && now.Options[option] != "" {
		value = now.Options[option] // another statement of the transaction may set it again
	}
	if old := s.Before.Object("role", catalog.Name{Name: name}); old != nil {
		if before, known := old.Options[option]; known && keepsRoleOption(option, before, value) {
			return
		}
	}
	if option == "validUntil" && isFuture(value, p.Release.Today) {
		return
	}
	if fact, harm := describeOption(option, value); fact != "" && (option != "inherit" || !p.AtLeast(16)) {
		reportRole(p, s, rule.Report{Fact: labelRole(name) + " " + fact, Harm: strings.ReplaceAll(harm, "ROLE", displayRole(name))}, name)
	}
}

// keepsRoleOption reports whether a new value of an option takes nothing that the old one gave.
func keepsRoleOption(option, old, value string) bool {
	switch option {
	case "password":
		return old == "" // no session could use one
	case "connectionlimit":
		return catalog.KeepsConnections(old, value)
	}
	return old == value
}

// isoDate is the beginning of a time in ISO format, of which the order of the texts is the order of time.
var isoDate = lazyregexp.New(`^[0-9]{4}-[0-9]{2}-[0-9]{2}`)

// isFuture reports whether a time in ISO format is after a day.
func isFuture(value, day string) bool {
	return day != "" && isoDate.MatchString(value) && value > day
}

// describeOption says what the value of an option takes from a role; "" for nothing.
func describeOption(option, value string) (fact, harm string) {
	const connect = "new connections of deployed code that connects as ROLE fail: "
	if value == "true" || value == catalog.RoleOptions["connectionlimit"] || value == catalog.RoleOptions["validUntil"] {
		return "", ""
	}
	switch option {
	case "canlogin":
		return "may no longer log in", connect + "role is not permitted to log in"
	case "password":
		if value == "" {
			return "has no password any more", connect + "password authentication failed"
		}
		return "gets another password", connect + "with the old one: password authentication failed"
	case "validUntil":
		return "has a password that is valid until " + value, "after that time " + connect + "password authentication failed"
	case "connectionlimit":
		return "may have only " + value + " connections", connect + "above that number: too many connections for role"
	case "superuser":
		return "is no longer a superuser", "deployed code that connects as ROLE has no privilege any more that nobody granted: permission denied"
	case "bypassrls":
		return "no longer bypasses row level security", "rows that policies do not let through vanish for deployed code that connects as ROLE"
	case "inherit":
		return "no longer inherits privileges", "deployed code that connects as ROLE loses what its groups were granted: permission denied"
	case "isreplication":
		return "may no longer replicate", "replication connections as ROLE fail, and code that reads changes with them"
	case "createdb":
		return "may no longer create databases", "deployed code that connects as ROLE and creates databases fails: permission denied"
	case "createrole":
		return "may no longer create roles", "deployed code that connects as ROLE and creates or alters roles fails: permission denied"
	}
	return "", ""
}

func reportRole(p *rule.Pass, s *rule.Stmt, r rule.Report, name string) {
	r.Instead = "see that no running code connects as " + displayRole(name) + " any more, and do this a release later"
	r.Cause = "and %d other statements restrict roles"
	p.Report(s, r)
}

// labelRole names a role; CURRENT_USER is the one of the migrations.
func labelRole(name string) string {
	if display := displayRole(name); display != name {
		return "role " + display + ", as which the migrations run,"
	}
	return "role " + name
}

// isNewRole reports whether the release made a role.
func isNewRole(p *rule.Pass, s *rule.Stmt, name string) bool {
	o := s.Before.Object("role", catalog.Name{Name: name})
	return o != nil && !o.Inferred && p.Release.Deployed.Object("role", o.Name) == nil
}

// isDeployedRole reports whether deployed code may know a role: the release did not make it.
func isDeployedRole(p *rule.Pass, s *rule.Stmt, name string) bool {
	return name != "" && !isNewRole(p, s, name)
}

func roleExistsAfterTx(s *rule.Stmt, name string) bool {
	return s.Tx.After.Object("role", catalog.Name{Name: name}) != nil
}
