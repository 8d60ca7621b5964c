package release

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// SearchPathEmpty flags a statement that names a relation without its schema after the session's search_path was emptied, as the dumps
// of pg_dump do, and a path on which the migration tool does not find the table of its own row.
// https://www.postgresql.org/docs/current/ddl-schemas.html#DDL-SCHEMAS-PATH
var SearchPathEmpty = &rule.Rule{
	ID:       "release-search-path-empty",
	Category: onward.ReleaseOrder,
	Severity: onward.Error,
	Stops:    true,
	Summary:  "a statement, or the migration tool itself, names a relation without its schema while search_path does not have it",
	Harm: "A dump begins with set_config('search_path', '', false), which holds for the session, and so for the migrations after it that run on " +
		"the same connection. A name without a schema is not found, and CREATE TABLE has no schema to create in: the migration stops. " +
		"Many tools write their own row in the transaction of the file, by a bare name: it is not found either.",
	Instead: "Take the line out of the dump, or reset the path at its end: RESET search_path, or SET LOCAL search_path TO DEFAULT.",
	Manual:  []string{"https://www.postgresql.org/docs/current/ddl-schemas.html#DDL-SCHEMAS-PATH"},

	Statement: checkSearchPathEmpty,
}

// checkHistoryFound reports the search_path that a migration leaves set in its transaction, if the tool then looks for the table of its own
// row on it. That table is in public, unless all tables are in a schema of the path.
func checkHistoryFound(p *rule.Pass, last *rule.Stmt) {
	m := last.Migration
	if m.Runner.RowTable == history.QualifiedRow || m.Mode != onward.TransactionFile || last.IsOptional() {
		return
	}
	path, ok := analysis.SettingOf(last.Node)
	if !ok || path.Name != "search_path" || path.Default || path.Computed {
		return
	}
	for _, s := range slices.Backward(m.Script.Statements) {
		if s == last.Statement {
			break
		}
		if set, ok := analysis.SettingOf(s.Node); ok && (set.Name == "search_path" || set.Name == "") {
			return
		}
	}
	schemas := strings.FieldsFunc(path.Value, func(r rune) bool { return strings.ContainsRune(` ,"'`, r) })
	fact, firstOnly := "search_path is empty where "+m.Runner.Name+" writes its own row", m.Runner.RowTable == history.FirstSchemaRow
	switch {
	case len(schemas) == 0 && firstOnly:
		return
	case len(schemas) == 0:
	case schemas[0] == "public", !firstOnly && slices.Contains(schemas, "public"), slices.Contains(schemas, "$user"),
		!hasTable(last.Before, "public") && slices.ContainsFunc(schemas, func(schema string) bool { return hasTable(last.Before, schema) }):
		return
	default:
		fact = "search_path is " + strings.Join(schemas, ", ") + " where " + m.Runner.Name + " writes its own row"
	}
	p.Report(last, rule.Report{
		Fact:    fact,
		Harm:    "it does not find the table of its history (42P01), and the migration fails in each database that has this in public",
		Instead: "end the file with SET LOCAL search_path TO DEFAULT; or write schemas before names",
	})
}

func hasTable(c *catalog.Catalog, schema string) bool {
	found := false
	c.EachRelation(func(r *catalog.Relation) bool {
		found = r.Name.Schema == schema && r.Kind.IsTable()
		return !found
	})
	return found
}

func checkSearchPathEmpty(p *rule.Pass, s *rule.Stmt) {
	checkHistoryFound(p, s)
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
