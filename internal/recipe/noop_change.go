package recipe

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// explainNoop says what a change asks for and finds there already: "index i exists"; "" if it changes something, or may. Such a change needs no
// step: if an earlier change of the release makes the object, the steps of that change do.
func (c *Change) explainNoop() string {
	if c.commandType() == pgparse.AlterTableType_AT_AddColumn {
		return c.explainNoopAddColumn()
	}
	if len(c.Deltas) > 0 {
		return c.explainCancelledNotNull()
	}
	switch n := c.Node.GetNode().(type) {
	case *pgparse.Node_IndexStmt:
		t := c.changedTable()
		if stmt := n.IndexStmt; stmt.IfNotExists && t != nil && c.Before.Lookup(t.Name.Schema, stmt.Idxname) != nil {
			return "index " + stmt.Idxname + " exists"
		}
	case *pgparse.Node_CreateSchemaStmt:
		name := n.CreateSchemaStmt.Schemaname
		if n.CreateSchemaStmt.IfNotExists && (name == "public" || c.Before.Object("schema", catalog.Name{Name: name}) != nil) {
			return "schema " + name + " exists"
		}
	case *pgparse.Node_AlterTableStmt:
		return c.explainNoopColumn()
	}
	return ""
}

// mayAlterNothing reports whether an ALTER TABLE IF EXISTS is about a table that no migration makes: some databases have it
// and others do not, so the step is the statement.
func (c *Change) mayAlterNothing() bool {
	if c.Command == nil || !c.Node.GetAlterTableStmt().GetMissingOk() {
		return false
	}
	t := c.AlteredRelation()
	return t.OID == 0 || t.Inferred
}

// explainNoopAddColumn is explainNoop of ADD COLUMN IF NOT EXISTS.
func (c *Change) explainNoopAddColumn() string {
	t := c.AlteredRelation()
	if !c.Command.MissingOk || t == nil || t.Inferred || t.Partial {
		return ""
	}
	after, old := c.After.Relation(t.OID), t.Column(c.Command.Def.GetColumnDef().GetColname())
	if old == nil || after == nil || after.Attr(old.Attnum) == nil { // another command of the statement drops it first
		return ""
	}
	return "column " + old.Name + " of " + t.Name.String() + " exists"
}

// explainNoopColumn is explainNoop of a command about a column. Several commands of one statement have an order of their own, and are not judged.
func (c *Change) explainNoopColumn() string {
	t := c.AlteredRelation()
	if c.Command == nil || t == nil || t.Inferred || t.Partial || len(c.Node.GetAlterTableStmt().Cmds) > 1 {
		return ""
	}
	col := t.Column(c.Command.Name)
	if col == nil {
		return ""
	}
	columnLabel := "column " + col.Name + " of " + t.Name.String() + " "
	switch c.commandType() {
	case pgparse.AlterTableType_AT_SetNotNull:
		if col.NotNull {
			return columnLabel + "is NOT NULL"
		}
	case pgparse.AlterTableType_AT_DropNotNull:
		if !col.NotNull {
			return columnLabel + "can be null"
		}
	case pgparse.AlterTableType_AT_ColumnDefault:
		if c.Command.Def == nil && col.Default == nil {
			return columnLabel + "has no default"
		}
	}
	return ""
}

// explainCancelledNotNull is explainNoop of SET NOT NULL and DROP NOT NULL of a column that can be null before and after the release.
func (c *Change) explainCancelledNotNull() string {
	switch c.commandType() {
	case pgparse.AlterTableType_AT_SetNotNull, pgparse.AlterTableType_AT_DropNotNull:
	default:
		return ""
	}
	t := c.AlteredRelation()
	if t == nil || t.Column(c.Command.Name) == nil {
		return ""
	}
	for _, in := range []*catalog.Catalog{c.Release.Deployed, c.Release.head} {
		r := in.Relation(t.OID)
		if r == nil || r.Inferred || r.Partial {
			return ""
		}
		if col := r.Attr(t.Column(c.Command.Name).Attnum); col == nil || col.NotNull {
			return ""
		}
	}
	return "column " + c.Command.Name + " of " + t.Name.String() + " can be null before and after the release"
}
