package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// retyped is a column's type before and after.
type retyped struct {
	from, to                   catalog.Type
	fromCollation, toCollation string
	unknown                    bool
}

// alterType is ALTER COLUMN … TYPE.
func (a *alter) alterType(cmd *pgparse.AlterTableCmd) {
	def := cmd.GetDef().GetColumnDef()
	name := cmd.GetName()
	to := a.C.TypeOf(def.GetTypeName())
	if !a.recurse && a.rel.HasKids() {
		a.Refuse(refuse.RetypeOnlyHere, name)
		return
	}
	for _, rel := range a.descend(a.recurse) {
		col, _ := a.Column(rel, name)
		if col == nil {
			if !a.Whole(rel) {
				t := a.tabOf(rel)
				t.rewrite, t.unsure, t.why = true, true, "the old type is not known"
				continue
			}
			a.Refuse(refuse.ColumnMissing, name, rel.Name.Name)
			return
		}
		if !a.mayRetype(rel, col) || !a.mayConvert(col, def) {
			return
		}
		a.retype(rel, col, to, def)
	}
	if a.rel.Kind == catalog.CompositeType {
		a.typedTables(cmd.GetBehavior(), cmd)
	}
}

func (a *alter) retype(rel *catalog.Relation, col *catalog.Column, to catalog.Type, def *pgparse.ColumnDef) {
	t := a.tabOf(rel)
	old := value{typ: col.Type, unknown: col.Inferred || !col.Type.Known()}
	var v value
	refused := a.No
	if rel.Kind == catalog.CompositeType {
		v = value{typ: to} // no row is there to cast
	} else if expr := def.GetRawDefault(); expr != nil {
		v = a.using(expr, col, old)
		if !v.unknown {
			v = a.convert(v, to, false)
		}
	} else {
		v = a.convert(old, to, false)
	}
	if no := a.No; no != refused && no.Kind == refuse.NoAutomaticCast {
		kind := no.Kind
		if def.GetRawDefault() != nil {
			kind = refuse.NoAutomaticCastUsing
		}
		a.No = kind.Of(col.Name, no.Objects[1])
		return
	} else if no != refused && no.Kind == refuse.NoCast {
		return
	}
	switch {
	case col.Generated == "virtual":
	case rel.Kind == catalog.CompositeType:
	case v.computed:
		t.rewrite, t.why = true, v.why
		t.unsure = t.unsure || old.unknown && def.GetRawDefault() == nil
	}
	if a.isIdentity(col) && rel == a.rel {
		if s := a.C.Relation(col.Sequence); s != nil {
			e := a.lockFor(s, sre, "owned by the column "+col.Name)
			e.Rewrites, e.Instant = true, true
		}
	}
	change := &retyped{from: col.Type, to: to, fromCollation: col.Collation, unknown: old.unknown}
	if c := def.GetCollClause(); c != nil {
		_, change.toCollation = pgparse.SchemaAndName(c.GetCollname())
	}
	change.fromCollation, change.toCollation = unlessDefault(change.fromCollation), unlessDefault(change.toCollation)
	if !a.keepsMeaning(rel, col, to) || rel.Kind != catalog.CompositeType && !a.stillFits(rel, col, to) {
		return
	}
	if rel == a.rel {
		if a.newTypes == nil {
			a.newTypes = map[string]catalog.Type{}
		}
		a.newTypes[col.Name] = to
	}
	a.rebuildDependents(t, rel, col, change, def)
}

func (a *alter) isFree(from, to catalog.Type) bool { free, _ := a.relabels(from, to); return free }

func (a *alter) mayEquate(from catalog.Type, col *catalog.Column) bool {
	return col == nil || col.Inferred || !col.Type.Known() || a.equates(from, col.Type)
}
