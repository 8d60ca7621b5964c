package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// typeChange is a column's type before and after.
type typeChange struct {
	from, to                   catalog.Type
	fromCollation, toCollation string
	unknown                    bool // the old type is not known
}

// alterType is ALTER COLUMN … TYPE.
func (a *alterState) alterType(cmd *pgparse.AlterTableCmd) {
	def, name := cmd.GetDef().GetColumnDef(), cmd.GetName()
	to := a.C.TypeOf(def.GetTypeName())
	for _, rel := range a.lockTree(a.recurse) {
		if col, _ := a.FindColumn(rel, name); col != nil {
			a.retypeColumn(rel, col, to, def)
			continue
		}
		t := a.tableWorkOf(rel)
		t.rewrite, t.unsure, t.why = true, true, "the old type is not known"
	}
	if a.rel.Kind == catalog.CompositeType {
		a.lockTypedTables(cmd)
	}
}

// retypeColumn records the work of a column's new type on one table: varchar(10) → varchar(20) has none, int → bigint rewrites the table.
func (a *alterState) retypeColumn(rel *catalog.Relation, col *catalog.Column, to catalog.Type, def *pgparse.ColumnDef) {
	t := a.tableWorkOf(rel)
	old := value{typ: col.Type, unknown: col.Inferred || !col.Type.IsKnown()}
	v := old
	if expr := def.GetRawDefault(); expr != nil {
		v = a.evalUsing(expr, col, old)
	}
	if def.GetRawDefault() == nil || !v.unknown {
		v = a.convertValue(v, to)
	}
	if v.computed && col.Generated != "virtual" && rel.Kind != catalog.CompositeType {
		t.rewrite, t.why = true, v.why
		t.unsure = t.unsure || old.unknown && def.GetRawDefault() == nil
	}
	if col.Identity != "" && rel == a.rel {
		if s := a.C.Relation(col.Sequence); s != nil {
			e := a.lockWithReason(s, sre, "owned by the column "+col.Name)
			e.Rewrites, e.Instant = true, true
		}
	}
	change := &typeChange{from: col.Type, to: to, fromCollation: nonDefaultCollation(col.Collation), unknown: old.unknown}
	if c := def.GetCollClause(); c != nil {
		_, collation := pgparse.SchemaAndName(c.GetCollname())
		change.toCollation = nonDefaultCollation(collation)
	}
	a.rebuildDependents(t, rel, col, change)
}

// nonDefaultCollation is a collation's name, "" for the one that types have anyway.
func nonDefaultCollation(collation string) string {
	if collation == "default" {
		return ""
	}
	return collation
}

// lockTypedTables locks the tables of a composite type that ALTER TYPE changes, and retypes their columns. retype is the
// command if it changes an attribute's type; nil for other changes.
func (a *alterState) lockTypedTables(retype *pgparse.AlterTableCmd) {
	u := a.C.CompositeOf(a.rel)
	if u == nil {
		return
	}
	for _, t := range a.TablesOf(u) {
		a.lockWithReason(t, a.mode, "a table of the type "+u.Name.String())
		if retype == nil {
			continue
		}
		if col := t.Column(retype.GetName()); col != nil {
			def := retype.GetDef().GetColumnDef()
			a.retypeColumn(t, col, a.C.TypeOf(def.GetTypeName()), def)
		}
	}
}
