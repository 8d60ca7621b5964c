package schemaplan

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/acl"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// sharedSchemas are schemas that a plan may name although it runs in many schemas: their objects are the same for all.
var sharedSchemas = []string{"", onward.PlanRoom, "pg_catalog", "information_schema", "pg_temp"}

// CheckSchemaFree returns an error if a step names a schema for what belongs to one, or works on what a database has only once. Then the same
// step would do the same again for each schema. For DROP TABLE other.orders it is "it names other.orders".
func CheckSchemaFree(s *onward.PlanStep) error {
	for _, e := range s.Effects {
		if schema, _, ok := strings.Cut(e.Relation, "."); ok && schema != "public" && !slices.Contains(sharedSchemas, schema) {
			return fmt.Errorf("it works on %s", e.Relation)
		}
	}
	texts := []string{s.SQL, s.Undo, s.Check}
	if s.Backfill != nil {
		texts = append(texts, s.Backfill.Table, s.Backfill.Work)
		for _, c := range s.Backfill.Compare {
			texts = append(texts, c.Table, c.Wrong, c.Mend)
		}
	}
	for _, sql := range texts {
		if name := findPublicName(sql); name != "" {
			return fmt.Errorf("it names %s", name)
		}
	}
	for _, sql := range texts[:3] {
		if err := checkStatements(sql); err != nil {
			return err
		}
	}
	return nil
}

// findPublicName returns a name with the schema public in SQL, also inside a string or a function's body; "" for none.
func findPublicName(sql string) string {
	lower := strings.ToLower(sql)
	for pos := 0; ; {
		i := strings.Index(lower[pos:], "public")
		if i < 0 {
			return ""
		}
		i += pos
		pos = i + len("public")
		rest := strings.TrimPrefix(lower[pos:], `"`)
		if (i == 0 || !isNameByte(lower[i-1])) && strings.HasPrefix(strings.TrimLeft(rest, " "), ".") {
			return strings.TrimSpace(sql[i:min(len(sql), pos+40)])
		}
	}
}

func isNameByte(c byte) bool {
	return c == '_' || c == '$' || c == '.' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 0x80
}

// checkStatements checks the statements of a text.
func checkStatements(sql string) error {
	f, err := pgparse.SplitText(sql)
	if err != nil {
		return errors.New("it cannot be read")
	}
	for _, stmt := range f.Stmts {
		if err := checkStatement(stmt.Node, f.Src[stmt.Start:stmt.End]); err != nil {
			return err
		}
	}
	return nil
}

// checkStatement checks a statement: its kind, and all names in it. Only kinds pass that work on objects of a schema.
func checkStatement(node *pgparse.Node, text string) error {
	switch node.GetNode().(type) {
	case *pgparse.Node_CreateFunctionStmt, *pgparse.Node_AlterFunctionStmt: // checkSetting looks at a function's own
	default:
		if strings.Contains(strings.ToLower(text), "search_path") {
			return errPath
		}
	}
	switch n := pgparse.Unwrap(node).(type) {
	case *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt, *pgparse.SelectStmt, *pgparse.TruncateStmt, *pgparse.LockStmt,
		*pgparse.CallStmt, *pgparse.ExplainStmt, *pgparse.TransactionStmt, *pgparse.RefreshMatViewStmt,
		*pgparse.CreateStmt, *pgparse.CreateForeignTableStmt,
		*pgparse.CreateTableAsStmt, *pgparse.AlterTableStmt, *pgparse.IndexStmt, *pgparse.ViewStmt, *pgparse.CreateSeqStmt,
		*pgparse.AlterSeqStmt, *pgparse.CreateTrigStmt, *pgparse.CreatePolicyStmt, *pgparse.AlterPolicyStmt, *pgparse.RuleStmt,
		*pgparse.CreateStatsStmt, *pgparse.AlterStatsStmt, *pgparse.CompositeTypeStmt, *pgparse.CreateRangeStmt, *pgparse.AlterTypeStmt,
		*pgparse.CreateEnumStmt, *pgparse.AlterEnumStmt, *pgparse.CreateDomainStmt, *pgparse.AlterDomainStmt, *pgparse.DefineStmt,
		*pgparse.CreateFunctionStmt, *pgparse.AlterFunctionStmt, *pgparse.VariableSetStmt:
	case *pgparse.DoStmt:
		return checkBlock(text)
	case *pgparse.ReindexStmt:
		if n.Relation == nil {
			return errAll
		}
	case *pgparse.ClusterStmt:
		if n.Relation == nil {
			return errAll
		}
	case *pgparse.VacuumStmt:
		if len(n.Rels) == 0 {
			return errAll
		}
	case *pgparse.CreateSchemaStmt:
		if n.Schemaname != onward.PlanRoom {
			return newSharedObjectError("a schema")
		}
	case *pgparse.DropStmt:
		if err := checkDrop(n); err != nil {
			return err
		}
	case *pgparse.RenameStmt:
		if err := checkObjectKind(n.RenameType); err != nil {
			return err
		}
	case *pgparse.AlterOwnerStmt:
		if err := checkObjectKind(n.ObjectType); err != nil {
			return err
		}
	case *pgparse.CommentStmt:
		if err := checkObjectKind(n.Objtype); err != nil {
			return err
		}
	case *pgparse.GrantStmt:
		if n.Targtype != pgparse.GrantTargetType_ACL_TARGET_OBJECT {
			return errAll
		}
		if err := checkObjectKind(n.Objtype); err != nil {
			return err
		}
	default:
		firstLine, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
		return fmt.Errorf("it may work on more than one schema has: %.60s", firstLine)
	}
	var found error
	pgparse.Walk(node, func(msg any) bool {
		if found == nil {
			found = checkNode(msg)
		}
		return found == nil
	})
	return found
}

// checkBlock checks the statements of a DO block.
func checkBlock(text string) error {
	if acl.SetsPrivileges(text) {
		return nil
	}
	block, err := pgparse.ParseBlock(text)
	if err != nil {
		return errors.New("it has a DO block that cannot be read")
	}
	for _, stmt := range block.Statements {
		if stmt.Dynamic {
			return errors.New("it has a DO block that runs a text, which is known only when it runs")
		}
		if err := checkStatements(stmt.SQL); err != nil {
			return err
		}
	}
	for _, query := range block.Expressions {
		if err := checkStatements(query); err != nil {
			return err
		}
	}
	return nil
}

// checkNode checks a node of a statement's tree.
func checkNode(msg any) error {
	var names []*pgparse.Node
	switch n := msg.(type) {
	case *pgparse.RangeVar:
		return checkSchemaName(n.Schemaname, n.Relname)
	case *pgparse.ObjectWithArgs:
		names = n.Objname
	case *pgparse.CreateFunctionStmt:
		names = n.Funcname
	case *pgparse.CreateEnumStmt:
		names = n.TypeName
	case *pgparse.AlterEnumStmt:
		names = n.TypeName
	case *pgparse.AlterTypeStmt:
		names = n.TypeName
	case *pgparse.CreateRangeStmt:
		names = n.TypeName
	case *pgparse.CreateDomainStmt:
		names = n.Domainname
	case *pgparse.AlterDomainStmt:
		names = n.TypeName
	case *pgparse.DefineStmt:
		names = n.Defnames
	case *pgparse.CreateStatsStmt:
		names = n.Defnames
	case *pgparse.AlterStatsStmt:
		names = n.Defnames
	case *pgparse.CommentStmt:
		return checkObjectName(n.Objtype, n.Object)
	case *pgparse.RenameStmt:
		return checkObjectName(n.RenameType, n.Object)
	case *pgparse.AlterOwnerStmt:
		return checkObjectName(n.ObjectType, n.Object)
	case *pgparse.VariableSetStmt:
		return checkSetting(n)
	case *pgparse.FuncCall:
		if pgparse.LastText(n.Funcname) == "set_config" && len(n.Args) > 0 {
			if name, known := pgparse.ConstantString(n.Args[0]); !known || strings.EqualFold(name, "search_path") {
				return errPath
			}
		}
	}
	schema, name := pgparse.SchemaAndName(names)
	return checkSchemaName(schema, name)
}

var (
	errPath = errors.New("it changes the search_path")
	errAll  = errors.New("it works on all objects of a schema or of the database, and not on those it names")
)

// checkSetting refuses another search_path. A function may have one that names no schema of tables.
func checkSetting(n *pgparse.VariableSetStmt) error {
	if n.Kind == pgparse.VariableSetKind_VAR_RESET_ALL {
		return errPath
	}
	if !strings.EqualFold(n.Name, "search_path") || n.Kind == pgparse.VariableSetKind_VAR_SET_CURRENT {
		return nil
	}
	if n.Kind != pgparse.VariableSetKind_VAR_SET_VALUE {
		return errPath
	}
	for _, arg := range n.Args {
		for _, schema := range strings.Split(arg.GetAConst().GetSval().GetSval(), ",") {
			if !slices.Contains(sharedSchemas, strings.Trim(schema, ` "`)) {
				return errPath
			}
		}
	}
	return nil
}

// checkObjectKind returns an error for a kind of object that no schema contains, such as a role.
func checkObjectKind(kind pgparse.ObjectType) error {
	switch kind {
	case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_INDEX, pgparse.ObjectType_OBJECT_VIEW, pgparse.ObjectType_OBJECT_MATVIEW,
		pgparse.ObjectType_OBJECT_SEQUENCE, pgparse.ObjectType_OBJECT_COLUMN, pgparse.ObjectType_OBJECT_TABCONSTRAINT,
		pgparse.ObjectType_OBJECT_DOMCONSTRAINT, pgparse.ObjectType_OBJECT_ATTRIBUTE, pgparse.ObjectType_OBJECT_TRIGGER,
		pgparse.ObjectType_OBJECT_POLICY, pgparse.ObjectType_OBJECT_RULE, pgparse.ObjectType_OBJECT_TYPE, pgparse.ObjectType_OBJECT_DOMAIN,
		pgparse.ObjectType_OBJECT_FUNCTION, pgparse.ObjectType_OBJECT_PROCEDURE, pgparse.ObjectType_OBJECT_ROUTINE,
		pgparse.ObjectType_OBJECT_AGGREGATE, pgparse.ObjectType_OBJECT_STATISTIC_EXT, pgparse.ObjectType_OBJECT_FOREIGN_TABLE:
		return nil
	}
	return newSharedObjectError("what it names (" + strings.ToLower(strings.TrimPrefix(kind.String(), "OBJECT_")) + ")")
}

// checkDrop checks what a DROP drops.
func checkDrop(n *pgparse.DropStmt) error {
	for _, o := range n.Objects {
		if n.RemoveType == pgparse.ObjectType_OBJECT_SCHEMA && pgparse.StringText(o) == onward.PlanRoom {
			continue
		}
		if err := checkObjectKind(n.RemoveType); err != nil {
			return err
		}
		if err := checkObjectName(n.RemoveType, o); err != nil {
			return err
		}
	}
	return nil
}

// checkObjectName checks the schema in the name of an object that a statement has in one of the tree's forms for it.
func checkObjectName(kind pgparse.ObjectType, object *pgparse.Node) error {
	names := pgparse.ListItems(object)
	switch {
	case object.GetTypeName() != nil:
		names = object.GetTypeName().Names
	case object.GetObjectWithArgs() != nil:
		names = object.GetObjectWithArgs().Objname
	}
	switch kind {
	case pgparse.ObjectType_OBJECT_TRIGGER, pgparse.ObjectType_OBJECT_POLICY, pgparse.ObjectType_OBJECT_RULE, pgparse.ObjectType_OBJECT_COLUMN,
		pgparse.ObjectType_OBJECT_TABCONSTRAINT:
		names = names[:max(0, len(names)-1)] // the last one is the trigger or the column
	}
	return checkSchemaName(pgparse.SchemaAndName(names))
}

func checkSchemaName(schema, name string) error {
	if slices.Contains(sharedSchemas, schema) {
		return nil
	}
	return fmt.Errorf("it names %s.%s", schema, name)
}

// newSharedObjectError returns the error for a statement about what a database has once.
func newSharedObjectError(object string) error {
	return fmt.Errorf("it creates, changes or drops %s, which the database has only once", object)
}
