package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/acl"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// setPrivileges lets no default privileges reach what the steps create: each object gets its privileges in the transaction that creates
// it. A statement of the migrations stays as it is, because its author may want default privileges, unless it makes a deployed view again.
func (m *Steps) setPrivileges(r *Release) *Steps {
	if m == nil {
		return nil
	}
	for i := range m.Steps {
		s := &m.Steps[i]
		s.SQL, s.Undo = r.withPrivileges(s.SQL), r.withPrivileges(s.Undo)
	}
	return m
}

// withPrivileges returns statements, with one that sets the privileges after each that creates an object.
func (r *Release) withPrivileges(statements []string) (out []string) {
	for _, sql := range statements {
		out = append(out, sql)
		if kind, name := createdObject(sql); name != "" && !r.isUnchangedStatement(sql) {
			out = append(out, acl.SetOwnerAlone(kind, name))
		}
	}
	return out
}

// isUnchangedStatement reports whether a statement is one of the release, which creates a new object.
func (r *Release) isUnchangedStatement(sql string) bool {
	trim := func(s string) string { return strings.TrimSuffix(strings.TrimSpace(s), ";") }
	return slices.ContainsFunc(r.changes, func(c *Change) bool {
		if trim(c.SQL) != trim(sql) {
			return false
		}
		v, exists := c.After.Resolve(c.Node.GetViewStmt().GetView())
		return !exists || !r.isRecreated(v)
	})
}

// createdObject returns the object with privileges that a statement creates, by its name for SQL; "" for none. CREATE OR REPLACE keeps the
// privileges of what it replaces.
func createdObject(sql string) (kind acl.Kind, name string) {
	if !strings.HasPrefix(sql, "CREATE ") && !strings.Contains(sql, " AS IDENTITY (SEQUENCE NAME ") {
		return "", ""
	}
	switch n := pgparse.ParseStatement(sql).GetNode().(type) {
	case *pgparse.Node_AlterTableStmt:
		for _, cmd := range n.AlterTableStmt.Cmds {
			for _, option := range cmd.GetAlterTableCmd().GetDef().GetConstraint().GetOptions() {
				if e := option.GetDefElem(); e.GetDefname() == "sequence_name" {
					return acl.Relation, qualifiedName(pgparse.ListItems(e.Arg))
				}
			}
		}
	case *pgparse.Node_CreateStmt:
		return acl.Relation, quoteRangeVar(n.CreateStmt.Relation)
	case *pgparse.Node_CreateTableAsStmt:
		return acl.Relation, quoteRangeVar(n.CreateTableAsStmt.GetInto().GetRel())
	case *pgparse.Node_ViewStmt:
		if !n.ViewStmt.Replace {
			return acl.Relation, quoteRangeVar(n.ViewStmt.View)
		}
	case *pgparse.Node_CreateSeqStmt:
		return acl.Relation, quoteRangeVar(n.CreateSeqStmt.Sequence)
	case *pgparse.Node_CreateEnumStmt:
		return acl.Type, qualifiedName(n.CreateEnumStmt.TypeName)
	case *pgparse.Node_CreateSchemaStmt:
		return acl.Schema, quoteIdent(n.CreateSchemaStmt.Schemaname)
	case *pgparse.Node_CreateFunctionStmt:
		if !n.CreateFunctionStmt.Replace {
			return acl.Function, qualifiedName(n.CreateFunctionStmt.Funcname) + sql[strings.IndexByte(sql, '('):strings.Index(sql, " RETURNS ")]
		}
	}
	return "", ""
}

// quoteRangeVar returns the name of a relation for SQL.
func quoteRangeVar(rv *pgparse.RangeVar) string {
	if rv.GetSchemaname() == "" {
		return quoteIdent(rv.GetRelname())
	}
	return quoteIdent(rv.Schemaname) + "." + quoteIdent(rv.Relname)
}

// otherTableGuard returns the beginning of a trigger function that writes with its owner's rights: a trigger that somebody attaches to
// another table must not reach its target. A table without its name is renamed; the target is not found by its name then, either.
func otherTableGuard(t *catalog.Relation) string {
	name := pgparse.QuoteLiteral(quoteQualified(t.Name))
	return "  IF TG_RELID <> pg_catalog.to_regclass(" + name + ") AND NOT EXISTS (\n    SELECT FROM pg_catalog.pg_partition_ancestors(TG_RELID) AS a (relid) " +
		"WHERE a.relid = pg_catalog.to_regclass(" + name + ")\n  ) THEN\n    RAISE EXCEPTION 'this trigger function is for %', " + name +
		" USING ERRCODE = 'insufficient_privilege';\n  END IF;\n"
}
