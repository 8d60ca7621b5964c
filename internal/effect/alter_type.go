package effect

import (
	"strings"

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
	to := a.c.TypeOf(def.GetTypeName())
	if !a.recurse && hasKids(a.rel) {
		a.refuse(refuse.RetypeOnlyHere, name)
		return
	}
	for _, rel := range a.descend(a.recurse) {
		col, _ := a.column(rel, name)
		if col == nil {
			if !a.whole(rel) {
				t := a.tabOf(rel)
				t.rewrite, t.unsure, t.why = true, true, "the old type is not known"
				continue
			}
			a.refuse(refuse.ColumnMissing, name, rel.Name.Name)
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

// mayRetype refuses what the server refuses: what depends on the column and
// cannot be made anew.
func (a *alter) mayRetype(rel *catalog.Relation, col *catalog.Column) bool {
	no := func(kind refuse.Kind, objects ...string) bool { a.refuse(kind, objects...); return false }
	if rel.OfType != 0 && rel == a.rel {
		return no(refuse.RetypeOfTyped)
	}
	if rel == a.rel && col.Inherited {
		return no(refuse.RetypeInherited, col.Name)
	}
	if partitionedBy(rel, col) {
		return no(refuse.RetypePartition, col.Name, rel.Name.Name)
	}
	for _, other := range rel.Columns {
		if other != col && contains(other.GeneratedFrom, col.Attnum) {
			return no(refuse.RetypeGenerates)
		}
	}
	for _, view := range a.rels(rel.Dependents) {
		if view.View != nil && contains(view.View.Columns[rel.OID], col.Attnum) {
			return no(refuse.RetypeView)
		}
	}
	if len(a.c.RulesOver(rel.OID, col.Attnum)) > 0 {
		return no(refuse.RetypeView)
	}
	if len(a.c.BodiesOver(rel.OID, col.Attnum)) > 0 {
		return no(refuse.RetypeFunction)
	}
	for _, p := range rel.Policies {
		if contains(p.Uses, col.Attnum) {
			return no(refuse.RetypePolicy)
		}
	}
	if len(a.c.PoliciesOver(rel.OID, col.Attnum)) > 0 {
		return no(refuse.RetypePolicy)
	}
	for _, t := range rel.Triggers {
		if contains(t.Columns, col.Attnum) || contains(t.Uses, col.Attnum) {
			return no(refuse.RetypeTrigger)
		}
	}
	return true
}

func (a *alter) retype(rel *catalog.Relation, col *catalog.Column, to catalog.Type, def *pgparse.ColumnDef) {
	t := a.tabOf(rel)
	old := value{typ: col.Type, unknown: col.Inferred || !col.Type.Known()}
	var v value
	refused := a.Refused
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
	if no := a.Refused; no != refused && no.Kind == refuse.NoAutomaticCast {
		kind := no.Kind
		if def.GetRawDefault() != nil {
			kind = refuse.NoAutomaticCastUsing
		}
		a.Refused = kind.Of(col.Name, no.Objects[1])
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
		if s := a.c.Relation(col.Sequence); s != nil {
			e := a.lockFor(s, sre, "owned by the column "+col.Name)
			e.Rewrites, e.Instant = true, true
		}
	}
	change := &retyped{from: col.Type, to: to, fromCollation: col.Collation, unknown: old.unknown}
	if c := def.GetCollClause(); c != nil {
		_, change.toCollation = nameOf(c.GetCollname())
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

// unlessDefault is a collation's name, "" for the one that types have anyway.
func unlessDefault(collation string) string {
	if collation == "default" {
		return ""
	}
	return collation
}

// keepsMeaning refuses a type in which the column's identity, default, foreign
// keys or row type could not go on.
func (a *alter) keepsMeaning(rel *catalog.Relation, col *catalog.Column, to catalog.Type) bool {
	if rel.Kind == catalog.CompositeType || !to.Known() {
		return true
	}
	if !a.mayFill(rel) {
		return false
	}
	base := a.base(to)
	switch {
	case a.isIdentity(col) && (base.Name.Schema != "pg_catalog" || !contains([]string{"int2", "int4", "int8"}, to.Name.Name)):
		a.refuse(refuse.IdentityType)
		return false
	case col.Default != nil && col.Generated == "" && !col.Inferred && col.Type.Known() && !contains(a.withoutDefault, col.Name) &&
		!isNull(col.Default) && !a.mayBecome(a.defaultType(col), base):
		a.refuse(refuse.RetypeDefault, col.Name, unmodified(to))
		return false
	}
	for _, con := range rel.Constraints {
		if con.Kind != catalog.ForeignKey || con.Ref == rel.OID || contains(a.droppedConstraints, con) {
			continue
		}
		ref := a.c.Relation(con.Ref)
		for i, n := range con.Columns {
			if n == col.Attnum && ref != nil && i < len(con.RefColumns) && !a.mayEquate(to, ref.Attr(con.RefColumns[i])) {
				a.refuse(refuse.ForeignKeyTypes, con.Name)
				return false
			}
		}
	}
	for _, ref := range a.references(rel, false) {
		for i, n := range ref.con.RefColumns {
			if n != col.Attnum || ref.from == rel || i >= len(ref.con.Columns) {
				continue
			}
			if own := ref.from.Attr(ref.con.Columns[i]); own != nil && own.Type.Known() && !own.Inferred && !a.equates(own.Type, to) {
				a.refuse(refuse.ForeignKeyTypes, ref.con.Name)
				return false
			}
		}
	}
	return true
}

// defaultType is the type that a column's default has before the column's own is
// made of it, which is what a change of the column's type starts from: the
// default 'new'::state of a text column is a state. The zero Type is not known.
func (a *alter) defaultType(col *catalog.Column) catalog.Type {
	own := a.base(col.Type)
	switch x := pgparse.Unwrap(col.Default).(type) {
	case *pgparse.TypeCast:
		return a.base(a.c.TypeOf(x.GetTypeName()))
	case *pgparse.A_Const:
		if x.GetSval() != nil {
			return own // a text without a type is read as the column's
		}
	}
	if isString(own.Name.Name) {
		return catalog.Type{} // everything is made a text without being asked
	}
	return own
}

// mayBecome reports whether the server makes one type of another by itself where
// a value is assigned, or it cannot be known.
func (a *alter) mayBecome(from, to catalog.Type) bool {
	return !from.Known() || same(from, to) || a.isFree(from, to) || a.assignable(from, to)
}

// mayFill refuses to give the rows of a table new values, even without a
// rewrite, where a column somewhere else holds rows of it.
func (a *alter) mayFill(rel *catalog.Relation) bool {
	user := ""
	a.typeUsers(rel.OID, func(other *catalog.Relation, c *catalog.Column) {
		if user == "" && (other.Kind == catalog.Table || other.Kind == catalog.MaterializedView) {
			user = other.Name.Name + "." + c.Name
		}
	})
	if user == "" {
		return true
	}
	a.refuse(refuse.RetypeRowUsed, rel.Name.Name, user)
	return false
}

func (a *alter) isFree(from, to catalog.Type) bool { free, _ := a.relabels(from, to); return free }

func (a *alter) mayEquate(from catalog.Type, col *catalog.Column) bool {
	return col == nil || col.Inferred || !col.Type.Known() || a.equates(from, col.Type)
}

// rebuildDependents drops and makes anew what depends on a column: indexes,
// checks, foreign keys in both directions. change is nil for SET EXPRESSION.
func (a *alter) rebuildDependents(t *tab, rel *catalog.Relation, col *catalog.Column, change *retyped, _ *pgparse.ColumnDef) {
	// Other subcommands may want a rewrite as well: whether an index is kept is
	// only decided when nothing is rewritten.
	for _, index := range a.indexes(rel) {
		if a.dropped(index.OID) || !usesColumn(index.Index, col) {
			continue
		}
		e := a.lockFor(index, ael, "index on "+col.Name)
		if index.Kind == catalog.Index && change != nil && !a.keeps(index.Index, col, change) {
			e.RebuildsIndex = true
			te := a.at(rel)
			te.RebuildsIndex, te.Scans = true, true
		}
	}
	for _, con := range rel.Constraints {
		if contains(a.droppedConstraints, con) {
			continue
		}
		switch con.Kind {
		case catalog.Check:
			if con.Valid && con.Enforced && (contains(con.Columns, col.Attnum) || mentions(con.Expr, col.Name)) {
				t.wantScan("the constraint " + con.Name + " is checked again")
			}
		case catalog.ForeignKey:
			if !contains(con.Columns, col.Attnum) {
				continue
			}
			if ref := a.c.Relation(con.Ref); ref != nil && ref != rel {
				targets := a.tree(ref, ref.Kind == catalog.PartitionedTable)
				for _, target := range targets {
					a.lockFor(target, sre, referencedBy(con.Name, "")) // for the new one
				}
				a.dropForeignKey(con, true)
				if con.Valid && a.revalidates(t, change) {
					for _, leaf := range targets {
						if e := a.at(leaf); stored(leaf) {
							e.Scans = true
						}
					}
				}
			}
			if con.Valid && a.revalidates(t, change) {
				t.wantScan("the foreign key " + con.Name + " is checked again")
			}
		}
	}
	for _, ref := range a.references(rel, true) {
		if !a.pointsTo(ref.con, rel, col) {
			continue
		}
		e := a.lockFor(ref.from, ael, "its foreign key "+ref.con.Name+" is made anew")
		if ref.con.Valid && a.revalidates(t, change) && stored(ref.from) {
			e.Scans = true
			if !t.rewrite {
				t.wantScan("the foreign key " + ref.con.Name + " is checked again")
			}
		}
	}
}

func usesColumn(i *catalog.IndexInfo, col *catalog.Column) bool {
	if i == nil {
		return false
	}
	for _, k := range i.Keys {
		if k.Column == col.Attnum || contains(k.Columns, col.Attnum) {
			return true
		}
	}
	return contains(i.Include, col.Attnum) || contains(i.PredicateColumns, col.Attnum)
}

// keeps reports whether an index survives the change of a column's type: the
// same operator classes and collations, and no expression or condition, which
// the server does not compare (CheckIndexCompatible).
func (a *alter) keeps(i *catalog.IndexInfo, col *catalog.Column, change *retyped) bool {
	if i.Parent != 0 { // made anew with its partitioned index, which has no file to pass on
		return false
	}
	if !i.Valid || i.Predicate != nil || i.PredicateText != "" || change.unknown {
		return false
	}
	for _, k := range i.Keys {
		if k.Column == 0 {
			return false
		}
		if k.Column != col.Attnum {
			continue
		}
		from, to := a.base(change.from), a.base(change.to)
		if i.Method == "gin" && (from.Array > 0 || to.Array > 0) {
			return false // it holds elements, not what the column holds
		}
		if polymorphic(a.c, from) || polymorphic(a.c, to) {
			if !same(from, to) {
				return false
			}
		} else if k.Opclass == "" && operators(from) != operators(to) {
			return false
		}
		if k.Collation == "" && change.fromCollation != change.toCollation {
			return false
		}
	}
	return true
}

// polymorphic reports whether a type's default operator class is that of all
// enums, arrays, ranges or records.
func polymorphic(c *catalog.Catalog, t catalog.Type) bool {
	if t.Array > 0 || strings.HasSuffix(t.Name.Name, "range") && t.Name.Schema == "pg_catalog" {
		return true
	}
	u := c.Type(t.OID)
	return t.OID != 0 && u != nil && u.Kind != catalog.Base
}

// operators names the default operator class of a type, where several types
// share one.
func operators(t catalog.Type) string {
	switch n := typeName(t); n {
	case "varchar":
		return "text"
	case "cidr":
		return "inet"
	case "regproc", "regprocedure", "regoper", "regoperator", "regclass", "regcollation", "regtype", "regrole", "regnamespace", "regconfig", "regdictionary":
		return "oid"
	default:
		return n
	}
}

// revalidates reports whether a foreign key is checked again: when a side is
// rewritten, or when the comparison of both becomes another.
func (a *alter) revalidates(t *tab, change *retyped) bool {
	if t.rewrite {
		return true
	}
	if change == nil || change.unknown {
		return true
	}
	return operators(a.base(change.from)) != operators(a.base(change.to)) || change.fromCollation != change.toCollation
}

// pointsTo reports whether a foreign key references a column.
func (a *alter) pointsTo(fk *catalog.Constraint, rel *catalog.Relation, col *catalog.Column) bool {
	target := a.c.Relation(fk.Ref)
	if target == nil {
		return false
	}
	for _, n := range fk.RefColumns {
		if c := target.Attr(n); c != nil && c.Name == col.Name {
			return true
		}
	}
	if len(fk.RefColumns) == 0 { // the primary key
		return inPrimaryKey(rel, col)
	}
	return false
}
