package recipe

import (
	"fmt"

	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// undoStatements returns the statements that undo an unchanged change; nil if nothing does.
func (c *Change) undoStatements() []string {
	switch n := c.Node.GetNode().(type) {
	case *pgparse.Node_CreateStmt:
		return c.dropCreated(n.CreateStmt.Relation, "TABLE")
	case *pgparse.Node_CreateSeqStmt:
		return c.dropCreated(n.CreateSeqStmt.Sequence, "SEQUENCE")
	case *pgparse.Node_ViewStmt:
		if !n.ViewStmt.Replace {
			return c.dropCreated(n.ViewStmt.View, "VIEW")
		}
	case *pgparse.Node_CreateTableAsStmt:
		return c.dropCreated(n.CreateTableAsStmt.Into.GetRel(), "TABLE")
	case *pgparse.Node_CreateEnumStmt:
		return []string{"DROP TYPE IF EXISTS " + qualifiedName(n.CreateEnumStmt.TypeName)}
	case *pgparse.Node_CreateDomainStmt:
		return []string{"DROP DOMAIN IF EXISTS " + qualifiedName(n.CreateDomainStmt.Domainname)}
	case *pgparse.Node_CreateSchemaStmt:
		return []string{"DROP SCHEMA IF EXISTS " + quoteIdent(n.CreateSchemaStmt.Schemaname)}
	case *pgparse.Node_CreateFunctionStmt:
		return c.restoreFunction(n.CreateFunctionStmt)
	case *pgparse.Node_CommentStmt:
		return c.restoreComment(n.CommentStmt)
	case *pgparse.Node_CreateTrigStmt:
		if t := c.resolveRelation(n.CreateTrigStmt.Relation); t != nil {
			if old := t.Trigger(n.CreateTrigStmt.Trigname); old != nil {
				return restoreTrigger(t, old)
			}
			return []string{"DROP TRIGGER IF EXISTS " + quoteIdent(n.CreateTrigStmt.Trigname) + " ON " + tableName(t)}
		}
	case *pgparse.Node_CreateExtensionStmt:
		if !n.CreateExtensionStmt.IfNotExists { // else it may be somebody else's
			return []string{"DROP EXTENSION IF EXISTS " + quoteIdent(n.CreateExtensionStmt.Extname)}
		}
	case *pgparse.Node_RenameStmt:
		return c.restoreName(n.RenameStmt)
	case *pgparse.Node_AlterTableStmt:
		return c.undoCommand()
	case *pgparse.Node_CreatePolicyStmt:
		if t := c.resolveRelation(n.CreatePolicyStmt.Table); t != nil {
			return []string{"DROP POLICY IF EXISTS " + quoteIdent(n.CreatePolicyStmt.PolicyName) + " ON " + tableName(t)}
		}
	case *pgparse.Node_GrantStmt:
		return c.restorePrivileges()
	case *pgparse.Node_DropStmt:
		if t, old := c.droppedTrigger(); old != nil {
			return restoreTrigger(t, old)
		}
	}
	return nil
}

// changesCreatedTable reports whether a change removes or changes a part of a table that the release certainly creates. Something that the part
// needs may be gone when the plan is aborted. (What is added is dropped first, because it may need a type of the release.)
func (c *Change) changesCreatedTable() bool {
	switch c.commandType() {
	case pgparse.AlterTableType_AT_AddColumn, pgparse.AlterTableType_AT_AddConstraint:
		return false
	}
	return c.Command != nil && c.isNewTable() && slices.ContainsFunc(c.Release.changes, func(o *Change) bool {
		stmt := o.Node.GetCreateStmt()
		if stmt == nil || stmt.IfNotExists {
			return false
		}
		r, _ := o.After.Resolve(stmt.Relation)
		return r != nil && r.OID == c.AlteredRelation().OID
	})
}

// restoreName gives a constraint, a trigger or an index its old name.
func (c *Change) restoreName(stmt *pgparse.RenameStmt) []string {
	t := c.resolveRelation(stmt.Relation)
	if t == nil {
		return nil
	}
	fresh, old, exists := quoteIdent(stmt.Newname), " RENAME TO "+quoteIdent(stmt.Subname), ""
	if stmt.MissingOk {
		exists = "IF EXISTS "
	}
	switch stmt.RenameType {
	case pgparse.ObjectType_OBJECT_TABCONSTRAINT:
		return []string{"ALTER TABLE " + exists + tableName(t) + " RENAME CONSTRAINT " + fresh + " TO " + quoteIdent(stmt.Subname)}
	case pgparse.ObjectType_OBJECT_TRIGGER:
		return []string{"ALTER TRIGGER " + fresh + " ON " + tableName(t) + old}
	case pgparse.ObjectType_OBJECT_INDEX, pgparse.ObjectType_OBJECT_SEQUENCE:
		word := "INDEX "
		if stmt.RenameType == pgparse.ObjectType_OBJECT_SEQUENCE {
			word = "SEQUENCE "
		}
		return []string{"ALTER " + word + exists + qualifyInSchema(t, stmt.Newname) + " RENAME TO " + quoteIdent(t.Name.Name)}
	}
	return nil
}

// dropCreated returns the DROP of an object that a statement creates; nil if it existed before.
func (c *Change) dropCreated(rv *pgparse.RangeVar, word string) []string {
	if rv == nil {
		return nil
	}
	if _, exists := c.Before.Resolve(rv); exists {
		return nil
	}
	r, exists := c.After.Resolve(rv)
	if !exists || r == nil {
		return nil
	}
	if r.Kind == catalog.MaterializedView {
		word = "MATERIALIZED VIEW"
	}
	return []string{"DROP " + word + " IF EXISTS " + tableName(r)}
}

// restoreFunction returns the DROP of a function that did not exist before, or the statement that made the function before.
func (c *Change) restoreFunction(stmt *pgparse.CreateFunctionStmt) []string {
	schema, object := pgparse.SchemaAndName(stmt.Funcname)
	before := c.Before.Functions(schema, object)
	for _, fn := range c.After.Functions(schema, object) {
		index := slices.IndexFunc(before, func(o *catalog.Function) bool { return o.OID == fn.OID })
		if index >= 0 {
			if before[index] != fn {
				return addOrReplace(before[index].Source)
			}
			continue
		}
		return []string{dropFunction(qualifiedName(stmt.Funcname), fn)}
	}
	return nil
}

// dropFunction drops one function of a name as SQL writes it.
func dropFunction(name string, fn *catalog.Function) string {
	var args []string
	for _, a := range fn.Args {
		args = append(args, typeName(a))
	}
	return "DROP " + strings.ToUpper(fn.Kind) + " IF EXISTS " + name + "(" + strings.Join(args, ", ") + ")"
}

// addOrReplace returns the statement that creates a function so that it replaces the function; nil if it is not known.
func addOrReplace(source string) []string {
	stmt := pgparse.ParseStatement(source).GetCreateFunctionStmt()
	if stmt == nil {
		return nil
	}
	source = strings.TrimSuffix(strings.TrimSpace(source), ";")
	if wordEnd := pgparse.AfterWord(source, "CREATE"); !stmt.Replace {
		source = source[:wordEnd] + " OR REPLACE" + source[wordEnd:]
	}
	return []string{source}
}

// restoreComment returns the statement that gives a table or a column its old comment.
func (c *Change) restoreComment(stmt *pgparse.CommentStmt) []string {
	names := stmt.GetObject().GetList().GetItems()
	if len(names) == 0 {
		return nil
	}
	var old string
	prefix := "COMMENT ON "
	switch stmt.Objtype {
	case pgparse.ObjectType_OBJECT_TABLE:
		schema, object := pgparse.SchemaAndName(names)
		t := c.Before.Lookup(schema, object)
		if t == nil || t.Inferred {
			return nil
		}
		old, prefix = t.Comment, prefix+"TABLE "+tableName(t)
	case pgparse.ObjectType_OBJECT_COLUMN:
		t, col := c.changedColumn()
		if col == nil || t.Inferred {
			return nil
		}
		old, prefix = col.Comment, prefix+"COLUMN "+tableName(t)+"."+quoteIdent(col.Name)
	default:
		return nil
	}
	if old == "" {
		return []string{prefix + " IS NULL"}
	}
	return []string{prefix + " IS " + pgparse.QuoteLiteral(old)}
}

func qualifiedName(list []*pgparse.Node) string {
	schema, object := pgparse.SchemaAndName(list)
	if schema == "" {
		return quoteIdent(object)
	}
	return quoteIdent(schema) + "." + quoteIdent(object)
}

// undoCommand undoes one command of an ALTER TABLE.
func (c *Change) undoCommand() []string {
	if c.Command == nil {
		return nil
	}
	t := c.AlteredRelation()
	alter := "ALTER TABLE " + tableName(t) + " "
	if c.Node.GetAlterTableStmt().GetMissingOk() {
		alter = "ALTER TABLE IF EXISTS " + tableName(t) + " "
	}
	column := t.Column(c.Command.Name)
	switch c.Command.Subtype {
	case pgparse.AlterTableType_AT_AddColumn:
		return []string{alter + "DROP COLUMN IF EXISTS " + quoteIdent(c.Command.Def.GetColumnDef().GetColname())}
	case pgparse.AlterTableType_AT_AddConstraint:
		after := c.After.Relation(t.OID)
		if after == nil {
			return nil
		}
		for _, con := range after.Constraints {
			if t.Constraint(con.Name) == nil {
				return []string{alter + "DROP CONSTRAINT IF EXISTS " + quoteIdent(con.Name)}
			}
		}
	case pgparse.AlterTableType_AT_DropConstraint:
		return c.recreateConstraint(t)
	case pgparse.AlterTableType_AT_ColumnDefault:
		if column == nil {
			return nil
		}
		if column.DefaultText == "" {
			return []string{alter + "ALTER COLUMN " + quoteIdent(column.Name) + " DROP DEFAULT"}
		}
		return []string{alter + "ALTER COLUMN " + quoteIdent(column.Name) + " SET DEFAULT " + column.DefaultText}
	case pgparse.AlterTableType_AT_AlterColumnType:
		return c.restoreCollation(t, column)
	case pgparse.AlterTableType_AT_EnableRowSecurity, pgparse.AlterTableType_AT_DisableRowSecurity,
		pgparse.AlterTableType_AT_ForceRowSecurity, pgparse.AlterTableType_AT_NoForceRowSecurity:
		return undoRowSecurity(t, c.Command.Subtype)
	case pgparse.AlterTableType_AT_DropNotNull:
		if column != nil && column.NotNull {
			return []string{alter + "ALTER COLUMN " + quoteIdent(column.Name) + " SET NOT NULL"}
		}
	case pgparse.AlterTableType_AT_SetNotNull:
		if column != nil && !column.NotNull {
			return []string{alter + "ALTER COLUMN " + quoteIdent(column.Name) + " DROP NOT NULL"}
		}
	}
	return nil
}

// restoreCollation returns the statement that gives a column its old collation. If its type changed, there is none: the column keeps
// the new type, because the old one would rewrite the table.
func (c *Change) restoreCollation(t *catalog.Relation, old *catalog.Column) []string {
	after := c.After.Relation(t.OID)
	if old == nil || after == nil {
		return nil
	}
	if changed := after.Attr(old.Attnum); changed == nil || !changed.Type.IsSame(old.Type) {
		c.Release.Kept[KeptColumn(quoteIdent(t.Name.Schema)+"."+quoteIdent(t.Name.Name), old.Name)] = true
		return nil
	}
	collation := `"default"`
	if old.Collation != "" {
		collation = quoteIdent(old.Collation)
	}
	column := quoteIdent(old.Name)
	return []string{fmt.Sprintf("ALTER TABLE %s ALTER COLUMN %s TYPE %s COLLATE %s", tableName(t), column, typeName(old.Type), collation)}
}

// KeptColumn returns the key in [Release.Kept] of a column that keeps its new type.
func KeptColumn(table, column string) string { return "COLUMN " + table + "." + column }

// findRestoredConstraint returns the schema, the table and the constraint that an abort restores: those of the base if it has the constraint, since
// columns have their old names again when the plan is undone.
func (c *Change) findRestoredConstraint(t *catalog.Relation, con *catalog.Constraint) (*catalog.Catalog, *catalog.Relation, *catalog.Constraint) {
	if base := c.Release.Deployed.Relation(t.OID); base != nil {
		if i := slices.IndexFunc(base.Constraints, func(o *catalog.Constraint) bool { return o.ID == con.ID }); i >= 0 {
			return c.Release.Deployed, base, base.Constraints[i]
		}
	}
	return c.Before, t, con
}

// recreateConstraint recreates a foreign key or a CHECK that a change drops.
func (c *Change) recreateConstraint(t *catalog.Relation) []string {
	con := t.Constraint(c.Command.Name)
	if con == nil {
		return nil
	}
	before, base, con := c.findRestoredConstraint(t, con)
	var definition string
	switch con.Kind {
	case catalog.ForeignKey:
		ref := before.Relation(con.Ref)
		if ref == nil {
			return nil
		}
		definition = foreignKey(base, ref, con)
	case catalog.Check:
		definition = checkDefinition(con.ExprText, con)
	default:
		return nil
	}
	if !con.Valid {
		definition += " NOT VALID"
	}
	return []string{"ALTER TABLE " + tableName(t) + " ADD CONSTRAINT " + quoteIdent(c.Command.Name) + " " + definition}
}
