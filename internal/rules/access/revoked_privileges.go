package access

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
)

// privilegeLoss is what a REVOKE takes from roles that deployed code may connect as.
type privilegeLoss struct {
	what      string // "INSERT, SELECT"
	count     int    // how many privileges these are
	objects   []string
	roles     []string
	isSetAnew bool // the transaction goes on to grant the roles something on the objects
}

// shown bounds how many objects a message names.
const shown = 3

func (l *privilegeLoss) formatObjects() string {
	if len(l.objects) > shown {
		return strings.Join(l.objects[:shown], ", ") + fmt.Sprintf(" and %d more", len(l.objects)-shown)
	}
	return strings.Join(l.objects, ", ")
}

// listLosses lists what a REVOKE takes: for each object and role, the privileges that the transaction does not grant again.
func listLosses(p *rule.Pass, s *rule.Stmt, g *pgparse.GrantStmt) []privilegeLoss {
	txGrants, place := readGrants(p, s.Tx), slices.Index(s.Tx.Statements, s)
	objects := slices.DeleteFunc(listGrantedObjects(p, s, g), func(x grantedObject) bool { return !x.deployed })
	var out []privilegeLoss
	add := func(loss privilegeLoss) {
		for i := range out {
			if o := &out[i]; o.what == loss.what && o.isSetAnew == loss.isSetAnew && slices.Equal(o.objects, loss.objects) {
				o.roles = append(o.roles, loss.roles...)
				return
			}
		}
		out = append(out, loss)
	}
	for role, grants := range groupByRole(catalog.GrantsOf(g)) {
		var ofRole []privilegeLoss
		isManaged := isWholeSchema(g) && !hasDefaultPrivilegesOnClass(p.Release.Deployed, role, g) && slices.ContainsFunc(objects, func(x grantedObject) bool {
			return slices.ContainsFunc(x.privileges.deployed, func(o catalog.Grant) bool { return o.Role == role })
		})
		for _, x := range objects {
			laterPrivileges := txGrants.listLaterPrivileges(x, role, place)
			lost := listLostPrivileges(s, g, x, grants, laterPrivileges)
			if isManaged {
				lost = listDeployedLosses(x, grants, laterPrivileges)
			}
			if len(lost) == 0 {
				continue
			}
			lostText, count := formatLostPrivileges(lost)
			isSetAnew := len(laterPrivileges) > 0
			index := slices.IndexFunc(ofRole, func(l privilegeLoss) bool { return l.what == lostText && l.isSetAnew == isSetAnew })
			if index < 0 {
				ofRole = append(ofRole, privilegeLoss{what: lostText, count: count, roles: []string{displayRole(role)}, isSetAnew: isSetAnew})
				index = len(ofRole) - 1
			}
			if !slices.Contains(ofRole[index].objects, x.label) {
				ofRole[index].objects = append(ofRole[index].objects, x.label)
			}
		}
		isEverything := len(ofRole) == 1 && !ofRole[0].isSetAnew && len(ofRole[0].objects) == len(objects)
		if isWholeSchema(g) && role != "public" && (isEverything || len(objects) == 0 && !p.Release.Known) {
			loss := privilegeLoss{roles: []string{displayRole(role)}}
			var all []string
			for _, grant := range grants {
				all = append(all, grant.Privilege)
			}
			loss.what, loss.count = formatLostPrivileges(all)
			for _, n := range g.GetObjects() {
				if name := pgparse.StringText(n); p.DeployedSchema(name, s.Before) {
					loss.objects = append(loss.objects, "everything in schema "+name)
				}
			}
			if ofRole = nil; len(loss.objects) > 0 {
				ofRole = []privilegeLoss{loss}
			}
		}
		for _, loss := range ofRole {
			add(loss)
		}
	}
	return out
}

// hasDefaultPrivilegesOnClass reports whether the database grants a role privileges on objects of a statement's class that are created: nobody saw
// which have them.
func hasDefaultPrivilegesOnClass(c *catalog.Catalog, role string, g *pgparse.GrantStmt) bool {
	found := false
	c.EachObject("default privileges", func(o *catalog.Object) bool {
		found = found || slices.ContainsFunc(o.Grants, func(x catalog.Grant) bool {
			_, class, _ := cutLastWord(x.Privilege)
			return x.Role == role && (class == "routines" || slices.Contains(classesOf(g), class))
		})
		return !found
	})
	return found
}

// groupByRole iterates over the roles of grants, in order.
func groupByRole(grants []catalog.Grant) func(func(string, []catalog.Grant) bool) {
	return func(yield func(string, []catalog.Grant) bool) {
		for i, g := range grants {
			isSame := func(o catalog.Grant) bool { return o.Role == g.Role }
			if slices.IndexFunc(grants, isSame) == i && !yield(g.Role, slices.DeleteFunc(slices.Clone(grants), func(o catalog.Grant) bool { return !isSame(o) })) {
				return
			}
		}
	}
}

// listLostPrivileges lists the privileges on an object that a REVOKE takes from a role and the transaction does not grant again.
func listLostPrivileges(s *rule.Stmt, g *pgparse.GrantStmt, x grantedObject, revoked []catalog.Grant, laterPrivileges []string) (lost []string) {
	for _, r := range revoked {
		r.Privilege = x.namePrivilege(r.Privilege)
		switch {
		case isHarmlessRevoke(s, g, x, r), isCovered(r.Privilege, laterPrivileges):
		case r.Privilege == "all" && len(laterPrivileges) > 0:
			lost = append(lost, listDeployedLosses(x, []catalog.Grant{r}, laterPrivileges)...)
		default:
			lost = append(lost, r.Privilege)
		}
	}
	return lost
}

// listDeployedLosses lists the deployed privileges of a role that a REVOKE takes and the transaction does not grant again. It is for statements that set
// the privileges anew, or revoke in a whole schema from a role whose privileges are the migrations' own.
func listDeployedLosses(x grantedObject, revoked []catalog.Grant, laterPrivileges []string) (lost []string) {
	for _, old := range x.privileges.deployed {
		command, _ := splitPrivilege(old.Privilege)
		for _, r := range revoked {
			name := x.namePrivilege(r.Privilege)
			switch {
			case r.Role != old.Role || name != "all" && old.Privilege != "all" && name != old.Privilege && name != command:
				continue
			case old.Privilege != "all":
				name = old.Privilege
			}
			if slices.Contains(x.grants, old) && !isCovered(name, laterPrivileges) && !slices.Contains(lost, name) {
				lost = append(lost, name)
			}
		}
	}
	return lost
}

// isHarmlessRevoke reports whether a REVOKE of a privilege takes nothing from deployed code. PUBLIC has what somebody granted it on tables, and what it
// has by default on others: CREATE on a schema, which running code does not need, and what it has on a database to which some role has its own.
func isHarmlessRevoke(s *rule.Stmt, g *pgparse.GrantStmt, x grantedObject, r catalog.Grant) bool {
	if r.Role != "public" {
		return x.known && takesNothing(x.privileges, r)
	}
	switch {
	case x.class == "tables" || x.class == "sequences":
		return x.closed || takesNothing(x.privileges, r)
	case x.class != "":
		return x.closed
	case g.GetObjtype() == pgparse.ObjectType_OBJECT_SCHEMA && r.Privilege == "create":
		return true
	case g.GetObjtype() == pgparse.ObjectType_OBJECT_DATABASE:
		o := s.Tx.After.Object("privileges", catalog.Name{Name: x.key})
		if o != nil && slices.ContainsFunc(o.Grants, func(o catalog.Grant) bool { return o.Privilege == "connect" || o.Privilege == "all" }) {
			return true
		}
	}
	return x.known && catalog.IsNoopRevoke(x.grants, x.taken, r)
}

// takesNothing reports whether a REVOKE of a privilege takes nothing from deployed code: it was revoked before, the release granted it, or it is one
// on columns of a role that has it on the table.
func takesNothing(x privileges, r catalog.Grant) bool {
	command, columns := splitPrivilege(r.Privilege)
	isGrantedHere := slices.Contains(x.grants, r) && !slices.ContainsFunc(x.deployed, func(o catalog.Grant) bool {
		return o.Role == r.Role && (o.Privilege == "all" || command == "all" || strings.HasPrefix(o.Privilege+" ", command+" "))
	})
	if columns != nil {
		return isGrantedHere || slices.ContainsFunc(x.grants, func(o catalog.Grant) bool {
			return o.Role == r.Role && (o.Privilege == "all" || o.Privilege == command)
		})
	}
	return isGrantedHere || catalog.IsNoopRevoke(x.grants, x.taken, r)
}

// laterGrant is a GRANT of a transaction on an object, with the place of its statement there.
type laterGrant struct {
	place int
	catalog.Grant
}

// grantsByObject are the GRANTs of a transaction, in order, by the keys of the objects: a class of objects in a schema, too.
type grantsByObject map[string][]laterGrant

func readGrants(p *rule.Pass, t *rule.Tx) grantsByObject {
	return rule.BuildOnce(&t.Notes, func() grantsByObject {
		out := grantsByObject{}
		for i, s := range t.Statements {
			g := s.Node.GetGrantStmt()
			if !g.GetIsGrant() {
				continue
			}
			var keys []string
			if isWholeSchema(g) {
				for _, n := range g.GetObjects() {
					for _, class := range classesOf(g) {
						keys = append(keys, class+" in "+pgparse.StringText(n))
					}
				}
			} else {
				for _, x := range listGrantedObjects(p, s, g) {
					keys = append(keys, x.key)
				}
			}
			for _, grant := range catalog.GrantsOf(g) {
				for _, key := range keys {
					out[key] = append(out[key], laterGrant{i, grant})
				}
			}
		}
		return out
	})
}

// listLaterPrivileges returns the privileges on an object that the statements after a place grant to a role.
func (all grantsByObject) listLaterPrivileges(x grantedObject, role string, place int) []string {
	var out []string
	for _, key := range []string{x.key, x.class + " in " + x.schema} {
		for _, g := range all[key] {
			if (g.Role == role || g.Role == "public") && g.place > place {
				out = append(out, x.namePrivilege(g.Privilege))
			}
		}
	}
	return out
}

// isCovered reports whether privileges include another one, those on columns together.
func isCovered(privilege string, grantedPrivileges []string) bool {
	command, columns := splitPrivilege(privilege)
	var coveredColumns []string
	for _, x := range grantedPrivileges {
		c, grantColumns := splitPrivilege(x)
		if c != command && c != "all" {
			continue
		}
		if grantColumns == nil {
			return true
		}
		coveredColumns = append(coveredColumns, grantColumns...)
	}
	return columns != nil && !slices.ContainsFunc(columns, func(name string) bool { return !slices.Contains(coveredColumns, name) })
}

// splitPrivilege returns the columns of "select (a, b)", or nil.
func splitPrivilege(privilege string) (command string, columns []string) {
	command, list, found := strings.Cut(privilege, " (")
	if found {
		columns = strings.Split(strings.TrimSuffix(list, ")"), ", ")
	}
	return command, columns
}

// formatLostPrivileges returns privileges as a statement writes them, and how many these are.
func formatLostPrivileges(privileges []string) (text string, count int) {
	if slices.Contains(privileges, "all") {
		return "all privileges", 2
	}
	out := make([]string, len(privileges))
	for i, x := range privileges {
		command, columns, found := strings.Cut(x, " (")
		if out[i] = strings.ToUpper(command); found {
			out[i] += " (" + columns
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return strings.Join(out, ", "), len(out)
}
