package release

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// SearchPathEmpty flags a statement that names a relation without its schema after the session's search_path was emptied, as the dumps
// of pg_dump do. https://www.postgresql.org/docs/current/ddl-schemas.html#DDL-SCHEMAS-PATH
var SearchPathEmpty = &rule.Rule{
	ID:       "release-search-path-empty",
	Category: onward.ReleaseOrder,
	Severity: onward.Error,
	Stops:    true,
	Summary:  "a statement names a relation without its schema after search_path was emptied",
	Harm: "A dump begins with set_config('search_path', '', false), which holds for the session, and so for the migrations after it that run on " +
		"the same connection. A name without a schema is not found, and CREATE TABLE has no schema to create in: the migration stops.",
	Instead: "Take the line out of the dump, or reset the path at its end: RESET search_path.",
	Manual:  []string{"https://www.postgresql.org/docs/current/ddl-schemas.html#DDL-SCHEMAS-PATH"},

	Statement: checkSearchPathEmpty,
}

func checkSearchPathEmpty(p *rule.Pass, s *rule.Stmt) {
	emptying := s.Settings.PathEmptiedBy
	if emptying == nil || s.IsOptional() || s.Result.Refused != nil {
		return
	}
	name, created := findBareRelation(s)
	if name == "" {
		return
	}
	r := rule.Report{
		Fact:     name + " is named without its schema, and search_path is empty since " + emptying.RelativePlace(s),
		Harm:     "the statement fails: relation \"" + name + "\" does not exist",
		Instead:  "write the schema before the name, or end the dump with RESET search_path;",
		Evidence: []onward.Evidence{emptying.NewEvidence("empties search_path")},
	}
	if created {
		r.Harm = "the statement fails: no schema has been selected to create in"
	}
	p.Report(s, r)
}

// findBareRelation returns the first relation that a statement names without a schema, and whether the statement creates it. The path
// is not needed for names of WITH, temporary relations and system catalogs.
func findBareRelation(s *rule.Stmt) (name string, created bool) {
	var ctes []string
	pgparse.Walk(s.Node, func(msg any) bool {
		if c, ok := msg.(*pgparse.CommonTableExpr); ok {
			ctes = append(ctes, c.GetCtename())
		}
		return true
	})
	pgparse.Walk(s.Node, func(msg any) bool {
		rv, ok := msg.(*pgparse.RangeVar)
		if !ok || name != "" {
			return name == ""
		}
		if rv.GetSchemaname() == "" && rv.GetRelpersistence() != "t" && !slices.Contains(ctes, rv.GetRelname()) && !catalog.IsSystemName("", rv.GetRelname()) &&
			s.Before.Lookup("pg_temp", rv.GetRelname()) == nil {
			name = rv.GetRelname()
		}
		return true
	})
	if drop := s.Node.GetDropStmt(); drop != nil && !drop.GetMissingOk() && isRelationKind(drop.GetRemoveType()) {
		for _, o := range drop.GetObjects() {
			if schema, last := pgparse.SchemaAndName(o.GetList().GetItems()); schema == "" && name == "" && s.Before.Lookup("pg_temp", last) == nil {
				name = last
			}
		}
	}
	switch n := pgparse.Unwrap(s.Node).(type) {
	case *pgparse.CreateStmt:
		created = n.GetRelation().GetRelname() == name && !n.GetIfNotExists()
	case *pgparse.ViewStmt:
		created = n.GetView().GetRelname() == name
	case *pgparse.CreateSeqStmt:
		created = n.GetSequence().GetRelname() == name
	case *pgparse.CreateTableAsStmt:
		created = n.GetInto().GetRel().GetRelname() == name
	}
	return name, created
}

func isRelationKind(t pgparse.ObjectType) bool {
	switch t {
	case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_INDEX, pgparse.ObjectType_OBJECT_VIEW, pgparse.ObjectType_OBJECT_MATVIEW,
		pgparse.ObjectType_OBJECT_SEQUENCE, pgparse.ObjectType_OBJECT_FOREIGN_TABLE:
		return true
	}
	return false
}
