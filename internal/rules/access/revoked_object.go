package access

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
)

// grantedObject is an object of a GRANT or REVOKE.
type grantedObject struct {
	class    string // "tables", "sequences", "functions", "procedures"; "" for an object that no … IN SCHEMA means
	schema   string // of an object that has a class
	key      string // the same for each statement that means the object
	label    string
	deployed bool // deployed code may know it
	privileges
}

// privileges are those on an object: as deployed, before a REVOKE, and those that statements took.
type privileges struct {
	deployed, grants, taken []catalog.Grant
	closed                  bool // PUBLIC has no privilege that it has by default, or never had one
	known                   bool // the object was seen: its grants are
}

// isWholeSchema reports whether a statement means all objects of a class in schemas.
func isWholeSchema(g *pgparse.GrantStmt) bool {
	return g.GetTargtype() == pgparse.GrantTargetType_ACL_TARGET_ALL_IN_SCHEMA
}

// listGrantedObjects lists the objects of a GRANT or REVOKE. Those of a whole schema are the ones that were seen in it.
func listGrantedObjects(p *rule.Pass, s *rule.Stmt, g *pgparse.GrantStmt) []grantedObject {
	var out []grantedObject
	for i, n := range g.GetObjects() {
		switch g.GetObjtype() {
		case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_SEQUENCE:
			if !isWholeSchema(g) {
				r, _ := s.Before.Resolve(n.GetRangeVar())
				out = append(out, newGrantedRelation(p, r))
				continue
			}
			s.Before.EachRelation(func(r *catalog.Relation) bool {
				if x := newGrantedRelation(p, r); r.Index == nil && r.Name.Schema == pgparse.StringText(n) && slices.Contains(classesOf(g), x.class) {
					out = append(out, x)
				}
				return true
			})
		case pgparse.ObjectType_OBJECT_FUNCTION, pgparse.ObjectType_OBJECT_PROCEDURE, pgparse.ObjectType_OBJECT_ROUTINE:
			out = append(out, listGrantedFunctions(p, s, g, n)...)
		case pgparse.ObjectType_OBJECT_SCHEMA:
			name := pgparse.StringText(n)
			x := grantedObject{key: "schema " + name, label: "schema " + name, deployed: p.DeployedSchema(name, s.Before)}
			x.readObjectPrivileges(p, s, "schema", catalog.Name{Name: name})
			out = append(out, x)
		default:
			names := catalog.PrivilegesOf(g)
			if len(names) != len(g.GetObjects()) {
				continue
			}
			kind, name, _ := cutLastWord(names[i].Name)
			objectName := catalog.Name{Name: name}
			x := grantedObject{key: names[i].Name, label: names[i].Name}
			x.deployed = s.Before.Object(kind, objectName) == nil || p.Release.Deployed.Object(kind, objectName) != nil
			if kind == "type" || kind == "domain" {
				schema, _ := pgparse.SchemaAndName(pgparse.ListItems(n))
				t := s.Before.LookupType(schema, name)
				x.label, x.deployed = "type "+name, t == nil || p.Release.Deployed.Type(t.OID) != nil
			}
			x.readObjectPrivileges(p, s, "privileges", names[i])
			out = append(out, x)
		}
	}
	return out
}

// cutLastWord cuts a text at its last space.
func cutLastWord(text string) (kind, name string, found bool) {
	i := strings.LastIndexByte(text, ' ')
	if i < 0 {
		return "", text, false
	}
	return text[:i], text[i+1:], true
}

// readObjectPrivileges reads the privileges on an object that is neither a relation nor a function.
func (x *grantedObject) readObjectPrivileges(p *rule.Pass, s *rule.Stmt, kind string, name catalog.Name) {
	if o := s.Before.Object(kind, name); o != nil {
		x.grants, x.taken, x.known = o.Grants, o.Taken, true
	}
	if o := p.Release.Deployed.Object(kind, name); o != nil {
		x.privileges.deployed = o.Grants
	}
}

func newGrantedRelation(p *rule.Pass, r *catalog.Relation) grantedObject {
	x := grantedObject{
		class: "tables", schema: r.Name.Schema, key: "relation " + r.Name.String(), label: r.Name.String(), deployed: p.InUse(r),
		privileges: privileges{grants: r.Grants, taken: r.Taken, known: true},
	}
	if r.Kind == catalog.Sequence {
		x.class = "sequences"
	}
	if old := p.Release.Deployed.Relation(r.OID); old != nil {
		x.privileges.deployed = old.Grants
	}
	x.closed = !slices.ContainsFunc(r.Grants, func(g catalog.Grant) bool { return g.Role == "public" })
	return x
}

// listGrantedFunctions lists the functions that an object of a GRANT or REVOKE means: all functions of a schema, or of a name. One that was not seen is known
// by its name.
func listGrantedFunctions(p *rule.Pass, s *rule.Stmt, g *pgparse.GrantStmt, n *pgparse.Node) []grantedObject {
	var out []grantedObject
	list := func(f *catalog.Function) bool {
		x := grantedObject{
			class: "functions", schema: f.Name.Schema, key: "function " + f.Signature(), label: "function " + f.Name.Name,
			deployed: p.DeployedFunction(f), privileges: privileges{grants: f.Grants, taken: f.Taken, closed: f.Closed, known: true},
		}
		if f.Kind == "procedure" {
			x.class = "procedures"
		}
		for _, old := range p.Release.Deployed.Functions(f.Name.Schema, f.Name.Name) {
			if old.OID == f.OID {
				x.privileges.deployed = old.Grants
			}
		}
		if !isWholeSchema(g) || f.Name.Schema == pgparse.StringText(n) && slices.Contains(classesOf(g), x.class) {
			out = append(out, x)
		}
		return true
	}
	if isWholeSchema(g) {
		s.Before.EachFunction(list)
		return out
	}
	schema, name := pgparse.SchemaAndName(n.GetObjectWithArgs().GetObjname())
	overloads := s.Before.Functions(schema, name)
	if f := s.Before.FunctionWith(n.GetObjectWithArgs()); f != nil {
		overloads = []*catalog.Function{f}
	}
	for _, f := range overloads {
		list(f)
	}
	if len(out) == 0 {
		out = append(out, grantedObject{class: "functions", schema: schema, key: "function " + name, label: "function " + name, deployed: true})
	}
	return out
}

// classesOf returns the classes of objects that … IN SCHEMA means.
func classesOf(g *pgparse.GrantStmt) []string {
	switch g.GetObjtype() {
	case pgparse.ObjectType_OBJECT_TABLE:
		return []string{"tables"}
	case pgparse.ObjectType_OBJECT_SEQUENCE:
		return []string{"sequences"}
	case pgparse.ObjectType_OBJECT_FUNCTION:
		return []string{"functions"}
	case pgparse.ObjectType_OBJECT_PROCEDURE:
		return []string{"procedures"}
	case pgparse.ObjectType_OBJECT_ROUTINE:
		return []string{"functions", "procedures"}
	}
	return nil
}

// namePrivilege returns a privilege as it is kept for the object: all privileges on a function are one.
func (x *grantedObject) namePrivilege(privilege string) string {
	if x.class == "functions" || x.class == "procedures" {
		return "execute"
	}
	return privilege
}
