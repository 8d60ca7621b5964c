package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// checkCreateTable checks the defaults of a new table, and the columns that its CHECK constraints
// name. All columns are in the statement, unless the table takes some from elsewhere.
func (k *checker) checkCreateTable(s *pgparse.CreateStmt) {
	if s.GetIfNotExists() || s.GetOfTypename() != nil || len(s.GetInhRelations()) > 0 || s.GetPartbound() != nil {
		return
	}
	k.checkDefaults(s)
	for _, n := range s.GetTableElts() {
		k.checkForeignType(n.GetColumnDef().GetTypeName())
	}
	checks := appendRowExpressions(appendRowExpressions(nil, s.GetConstraints()), s.GetTableElts())
	for _, n := range s.GetTableElts() {
		if n.GetTableLikeClause() != nil {
			return
		}
		checks = appendRowExpressions(checks, n.GetColumnDef().GetConstraints())
	}
	if len(checks) == 0 {
		return
	}
	table := newColumnSource(clipName(s.GetRelation().GetRelname()))
	for _, n := range s.GetTableElts() {
		if d := n.GetColumnDef(); d != nil {
			table.Columns = append(table.Columns, query.Output{Name: clipName(d.GetColname())})
		}
	}
	for _, n := range checks {
		k.checkExpr(n, table)
	}
}

// checkAlterTable checks new types and defaults, and the names in new expressions. Each command meets what
// the commands before it have made of the table, but for USING, which reads the columns as they were.
func (k *checker) checkAlterTable(s *pgparse.AlterTableStmt) {
	if s.GetObjtype() != pgparse.ObjectType_OBJECT_TABLE {
		return
	}
	start, cmds := k.c, NewCommands(k.c, s)
	for i, cmd := range cmds.List {
		k.checkNewDefault(s, cmd)
		k.checkForeignType(cmd.GetDef().GetColumnDef().GetTypeName())
		if cmd.GetSubtype() == pgparse.AlterTableType_AT_AlterColumnType {
			now := k.c
			k.c = start
			k.checkRowExpressions(s, []*pgparse.Node{cmd.GetDef().GetColumnDef().GetRawDefault()})
			k.c = now
		}
		list := newExpressions(cmd)
		if i+1 < len(cmds.List) || len(list) > 0 && cmd.GetSubtype() != pgparse.AlterTableType_AT_AddConstraint {
			k.c = cmds.SchemaAfter(i)
		}
		k.checkRowExpressions(s, list)
	}
	k.c = start
}

// newExpressions returns the expressions of a command over the columns of its table, those that it adds included.
func newExpressions(cmd *pgparse.AlterTableCmd) []*pgparse.Node {
	switch cmd.GetSubtype() {
	case pgparse.AlterTableType_AT_SetExpression:
		return []*pgparse.Node{cmd.GetDef()}
	case pgparse.AlterTableType_AT_AddColumn:
		if cmd.GetMissingOk() {
			return nil
		}
		return appendRowExpressions(nil, cmd.GetDef().GetColumnDef().GetConstraints())
	case pgparse.AlterTableType_AT_AddConstraint:
		return appendRowExpressions(nil, []*pgparse.Node{cmd.GetDef()})
	}
	return nil
}

// checkRowExpressions checks the names in expressions over the columns of an altered table.
func (k *checker) checkRowExpressions(s *pgparse.AlterTableStmt, list []*pgparse.Node) {
	schema, name := pgparse.RangeName(s.GetRelation())
	if len(list) == 0 || schema == "" && !k.hasPublicSearchPath() {
		return
	}
	if r := k.c.findRelation(schema, name); r != nil && r.Kind.IsTable() {
		for _, n := range list {
			k.checkExpr(n, k.newRowSource(name, r))
		}
	}
}

// foreignTypes are the types that other databases have, by names that Postgres
// does not know unless somebody creates them.
var foreignTypes = []string{
	"datetime", "datetime2", "smalldatetime", "tinyint", "mediumint", "tinytext", "mediumtext", "longtext", "blob", "tinyblob",
	"mediumblob", "longblob", "double", "nvarchar", "varchar2", "nvarchar2", "ntext", "clob", "nclob", "uniqueidentifier",
}

// foreignFunctions are the functions that other databases have, by names that Postgres does not know unless somebody creates
// them.
var foreignFunctions = []string{
	"strftime", "datetime", "julianday", "unixepoch", "randomblob", "zeroblob", "ifnull", "iif", "last_insert_rowid", "group_concat", "instr",
	"unix_timestamp", "from_unixtime", "str_to_date", "date_format", "curdate", "curtime", "utc_timestamp", "last_insert_id", "uuid_to_bin",
	"bin_to_uuid", "json_extract", "json_unquote", "getdate", "getutcdate", "sysutcdatetime", "newid", "newsequentialid", "dateadd", "datediff",
	"isnull", "charindex", "scope_identity", "sysdate", "systimestamp", "nvl", "nvl2", "sys_guid", "generateuuidv4",
}

// checkForeignType checks that a column is not of a type that another database has.
func (k *checker) checkForeignType(t *pgparse.TypeName) {
	if len(t.GetNames()) != 1 || !k.hasPublicSearchPath() || !k.c.isHistoryComplete() {
		return
	}
	name := pgparse.StringText(t.GetNames()[0])
	if slices.Contains(foreignTypes, name) && k.c.TypeOf(t).OID == 0 && !k.c.hasRewrittenTypes() {
		k.recordProblem(pgerror.TypeMissing, name)
	}
}

// hasRewrittenTypes reports whether tables that were made have columns of such types: then
// something rewrites the text before it is sent, and what it makes of the rest is
// not known either (INTEGER PRIMARY KEY may be a sequence's).
func (c *Catalog) hasRewrittenTypes() bool {
	found := false
	c.EachRelation(func(r *Relation) bool {
		found = slices.ContainsFunc(r.Columns, func(col *Column) bool {
			return col.Type.OID == 0 && slices.Contains(foreignTypes, col.Type.Name.Name)
		})
		return !found
	})
	return found
}

// appendRowExpressions adds the expressions of CHECK constraints and of generated columns that are among constraints.
func appendRowExpressions(list, constraints []*pgparse.Node) []*pgparse.Node {
	for _, n := range constraints {
		switch c := n.GetConstraint(); c.GetContype() {
		case pgparse.ConstrType_CONSTR_CHECK, pgparse.ConstrType_CONSTR_GENERATED:
			list = append(list, c.GetRawExpr())
		}
	}
	return list
}

// checkTrigger checks the condition of a trigger, and that its function is there and
// one for triggers.
func (k *checker) checkTrigger(s *pgparse.CreateTrigStmt) {
	schema, name := pgparse.RangeName(s.GetRelation())
	if schema == "" && !k.hasPublicSearchPath() {
		return
	}
	r := k.c.findRelation(schema, name)
	if r != nil && r.Kind == View && s.GetRow() && s.GetTiming()&triggerInstead == 0 && k.isFullyKnown(r) {
		k.recordProblem(pgerror.IsView, name)
		return
	}
	if s.GetWhenClause() != nil {
		k.checkTriggerWhen(s, r)
	}
	schema, name = pgparse.SchemaAndName(s.GetFuncname())
	if schema == "" && !k.hasPublicSearchPath() || k.problem != nil {
		return
	}
	list := k.c.Functions(schema, name)
	if len(list) == 0 {
		_, isDropped := k.c.gone.get(objectKey{"function", k.c.fullNameForCreate(schema, name)})
		if !isDropped && k.isUnseenFunction(r, schema, name) {
			k.problem = &Problem{Refusal: *pgerror.FunctionMissing.NewRefusal(displayName(schema, name) + "()"), Certain: k.c.Complete, Unseen: !k.c.Complete}
		} else if isDropped {
			k.recordProblem(pgerror.FunctionMissing, displayName(schema, name)+"()")
		}
		return
	}
	for _, f := range list {
		if len(f.Args) == 0 && f.Returns.IsKnown() && f.Returns.Name != (Name{"pg_catalog", "trigger"}) && k.c.isHistoryComplete() {
			k.recordProblem(pgerror.TriggerFunction, displayName(schema, name))
		}
	}
}

// isUnseenFunction reports whether a function for the trigger of a table should have been
// seen: the history made all tables that it names and all functions that its
// other triggers call, and no extension that may have brought this one.
func (k *checker) isUnseenFunction(t *Relation, schema, name string) bool {
	full := k.c.fullNameForCreate(schema, name)
	if !k.isFullyKnown(t) || !k.c.Complete && k.c.guesses.size > 0 || builtin.Known(name) || isSystemSchema(full.Schema) ||
		full.Schema != "public" && k.c.Object("schema", Name{"", full.Schema}) == nil {
		return false
	}
	if !k.c.hasOnlyPlainExtensions() || k.c.Complete {
		return k.c.hasOnlyPlainExtensions()
	}
	found := false
	k.c.EachRelation(func(r *Relation) bool {
		found = slices.ContainsFunc(r.Triggers, func(g *Trigger) bool {
			return len(k.c.Functions(g.Function.Schema, g.Function.Name)) == 0 && !builtin.Known(g.Function.Name)
		})
		return !found
	})
	return !found
}

// withoutTriggers are well-known extensions that have no functions for triggers.
var withoutTriggers = []string{
	"btree_gin", "btree_gist", "citext", "cube", "dblink", "earthdistance", "fuzzystrmatch", "hstore", "intarray", "isn", "ltree",
	"pg_buffercache", "pg_stat_statements", "pg_trgm", "pgcrypto", "pgstattuple", "plpgsql", "postgres_fdw", "tablefunc", "unaccent", "uuid-ossp", "vector",
}

// checkTriggerWhen checks what the condition of a trigger names of the old and the new row.
func (k *checker) checkTriggerWhen(s *pgparse.CreateTrigStmt, r *Relation) {
	pgparse.Walk(s.GetWhenClause(), func(msg any) bool {
		ref, ok := msg.(*pgparse.ColumnRef)
		if !ok {
			return k.problem == nil
		}
		row := pgparse.StringText(ref.GetFields()[0])
		switch {
		case row != "old" && row != "new" || len(ref.GetFields()) < 2:
		case !s.GetRow():
			k.recordProblem(pgerror.TriggerWhenStatement)
		case row == "old" && s.GetEvents()&triggerInsert != 0:
			k.recordProblem(pgerror.TriggerWhenInsert)
		case row == "new" && s.GetEvents()&triggerDelete != 0:
			k.recordProblem(pgerror.TriggerWhenDelete)
		}
		return k.problem == nil
	})
	if k.problem == nil && r != nil && r.Kind.IsTable() {
		k.checkExpr(s.GetWhenClause(), k.newRowSource("old", r), k.newRowSource("new", r))
	}
}
