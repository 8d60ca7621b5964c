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
	later, place := readGrants(p, s.Tx), slices.Index(s.Tx.Statements, s)
	objects := slices.DeleteFunc(listObjects(p, s, g), func(x grantedObject) bool { return !x.deployed })
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
		isManaged := isWholeSchema(g) && !hasDefaultsOf(p.Release.Deployed, role, g) && slices.ContainsFunc(objects, func(x grantedObject) bool {
			return slices.ContainsFunc(x.privileges.deployed, func(o catalog.Grant) bool { return o.Role == role })
		})
		for _, x := range objects {
			again := later.listLater(x, role, place)
			lost := listLost(s, g, x, grants, again)
			if isManaged {
				lost = listKnownLost(x, grants, again)
			}
			if len(lost) == 0 {
				continue
			}
			what, count := formatLost(lost)
			isSetAnew := len(again) > 0
			at := slices.IndexFunc(ofRole, func(l privilegeLoss) bool { return l.what == what && l.isSetAnew == isSetAnew })
			if at < 0 {
				ofRole = append(ofRole, privilegeLoss{what: what, count: count, roles: []string{displayRole(role)}, isSetAnew: isSetAnew})
				at = len(ofRole) - 1
			}
			if !slices.Contains(ofRole[at].objects, x.label) {
				ofRole[at].objects = append(ofRole[at].objects, x.label)
			}
		}
		isEverything := len(ofRole) == 1 && !ofRole[0].isSetAnew && len(ofRole[0].objects) == len(objects)
		if isWholeSchema(g) && role != "public" && (isEverything || len(objects) == 0 && !p.Release.Known) {
			loss := privilegeLoss{roles: []string{displayRole(role)}}
			var all []string
			for _, grant := range grants {
				all = append(all, grant.Privilege)
			}
			loss.what, loss.count = formatLost(all)
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

// hasDefaultsOf reports whether the database grants a role privileges on objects of a statement's class that are created: nobody saw which have them.
func hasDefaultsOf(c *catalog.Catalog, role string, g *pgparse.GrantStmt) bool {
	found := false
	c.EachObject("default privileges", func(o *catalog.Object) bool {
		found = found || slices.ContainsFunc(o.Grants, func(x catalog.Grant) bool {
			_, class, _ := cutLast(x.Privilege)
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

// listLost lists the privileges on an object that a REVOKE takes from a role and the transaction does not grant again.
func listLost(s *rule.Stmt, g *pgparse.GrantStmt, x grantedObject, revoked []catalog.Grant, later []string) (lost []string) {
	for _, r := range revoked {
		r.Privilege = x.namePrivilege(r.Privilege)
		switch {
		case isHarmless(s, g, x, r), isCovered(r.Privilege, later):
		case r.Privilege == "all" && len(later) > 0:
			lost = append(lost, listKnownLost(x, []catalog.Grant{r}, later)...)
		default:
			lost = append(lost, r.Privilege)
		}
	}
	return lost
}

// listKnownLost lists the deployed privileges of a role that a REVOKE takes and the transaction does not grant again. It is for statements that set
// the privileges anew, or revoke in a whole schema from a role whose privileges are the migrations' own.
func listKnownLost(x grantedObject, revoked []catalog.Grant, later []string) (lost []string) {
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
			if slices.Contains(x.grants, old) && !isCovered(name, later) && !slices.Contains(lost, name) {
				lost = append(lost, name)
			}
		}
	}
	return lost
}

// isHarmless reports whether a REVOKE of a privilege takes nothing from deployed code. PUBLIC has what somebody granted it on tables, and what it
// has by default on others: CREATE on a schema, which running code does not need, and what it has on a database to which some role has its own.
func isHarmless(s *rule.Stmt, g *pgparse.GrantStmt, x grantedObject, r catalog.Grant) bool {
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
				for _, x := range listObjects(p, s, g) {
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

// listLater returns the privileges on an object that the statements after a place grant to a role.
func (all grantsByObject) listLater(x grantedObject, role string, place int) []string {
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
func isCovered(privilege string, by []string) bool {
	command, columns := splitPrivilege(privilege)
	var has []string
	for _, x := range by {
		c, of := splitPrivilege(x)
		if c != command && c != "all" {
			continue
		}
		if of == nil {
			return true
		}
		has = append(has, of...)
	}
	return columns != nil && !slices.ContainsFunc(columns, func(name string) bool { return !slices.Contains(has, name) })
}

// splitPrivilege returns the columns of "select (a, b)", or nil.
func splitPrivilege(privilege string) (command string, columns []string) {
	command, list, found := strings.Cut(privilege, " (")
	if found {
		columns = strings.Split(strings.TrimSuffix(list, ")"), ", ")
	}
	return command, columns
}

// formatLost returns privileges as a statement writes them, and how many these are.
func formatLost(privileges []string) (what string, count int) {
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
