package refusal

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Alteration is the state of an ALTER TABLE after the commands so far. The caller passes
// each command to RecordCommand.
type Alteration struct {
	*Checker
	Rel *catalog.Relation
	// Recurse: not ONLY.
	Recurse bool

	droppedConstraints []*catalog.Constraint
	droppedColumns     []string
	newColumns         []*pgparse.ColumnDef
	notValid           []*pgparse.Constraint
	newIdentity        bool
	// newTypes are the new types of columns.
	newTypes map[string]catalog.Type
	// madeNotNull are columns that the statement has made NOT NULL. The other lists are
	// columns whose default, identity or expression it has dropped.
	madeNotNull, withoutDefault, withoutIdentity, withoutExpression []string
	// gone are the views dropped with a column (CASCADE).
	gone map[catalog.OID]bool
}

// NewAlteration returns the state of an ALTER TABLE before its first command; nil if the
// relation does not exist.
func (q *Checker) NewAlteration(s *pgparse.AlterTableStmt) *Alteration {
	rv := s.GetRelation()
	rel := q.FindRelation(rv.GetSchemaname(), rv.GetRelname(), catalog.KindOfObject(s.GetObjtype()), s.GetMissingOk())
	if rel == nil {
		return nil
	}
	return &Alteration{Checker: q, Rel: rel, Recurse: rv.GetInh()}
}

// RecordCommand records the changes of a command for the commands after it.
func (a *Alteration) RecordCommand(cmd *pgparse.AlterTableCmd) {
	name := cmd.GetName()
	switch cmd.GetSubtype() {
	case pgparse.AlterTableType_AT_AddColumn:
		if def := cmd.GetDef().GetColumnDef(); !a.HasColumn(def.GetColname()) {
			a.newColumns = append(a.newColumns, def)
		}
	case pgparse.AlterTableType_AT_DropColumn:
		a.takeDrop(name, cmd.GetBehavior() == pgparse.DropBehavior_DROP_CASCADE)
	case pgparse.AlterTableType_AT_AlterColumnType:
		if a.newTypes == nil {
			a.newTypes = map[string]catalog.Type{}
		}
		a.newTypes[name] = a.C.TypeOf(cmd.GetDef().GetColumnDef().GetTypeName())
	case pgparse.AlterTableType_AT_SetNotNull:
		a.madeNotNull = append(a.madeNotNull, name)
	case pgparse.AlterTableType_AT_ColumnDefault:
		if cmd.GetDef() == nil {
			a.withoutDefault = append(a.withoutDefault, name)
		}
	case pgparse.AlterTableType_AT_AddIdentity:
		a.newIdentity = true
	case pgparse.AlterTableType_AT_DropIdentity:
		a.withoutIdentity = append(a.withoutIdentity, name)
	case pgparse.AlterTableType_AT_DropExpression:
		a.withoutExpression = append(a.withoutExpression, name)
	case pgparse.AlterTableType_AT_AddConstraint:
		a.takeConstraint(cmd.GetDef().GetConstraint())
	case pgparse.AlterTableType_AT_DropConstraint:
		if con := a.Rel.Constraint(name); con != nil {
			a.takeDropConstraint(con)
		}
	}
}

func (a *Alteration) takeConstraint(con *pgparse.Constraint) {
	switch con.GetContype() {
	case pgparse.ConstrType_CONSTR_PRIMARY:
		a.madeNotNull = append(a.madeNotNull, StringNames(con.GetKeys())...)
		if i := a.C.IndexNamed(a.Rel, con.GetIndexname()); i != nil && i.Index != nil {
			for _, k := range i.Index.Keys {
				a.madeNotNull = append(a.madeNotNull, a.Rel.ColumnNames([]int16{k.Column})...)
			}
		}
	case pgparse.ConstrType_CONSTR_CHECK, pgparse.ConstrType_CONSTR_FOREIGN, pgparse.ConstrType_CONSTR_NOTNULL:
		if con.GetSkipValidation() {
			a.notValid = append(a.notValid, con)
		}
	}
}

// takeDrop records a dropped column. Constraints on it are dropped too, and with CASCADE
// the views that read it.
func (a *Alteration) takeDrop(name string, cascade bool) {
	col := a.Rel.Column(name)
	if col == nil {
		return
	}
	a.droppedColumns = append(a.droppedColumns, name)
	for _, con := range a.Rel.Constraints {
		if contains(con.Columns, col.Attnum) {
			a.droppedConstraints = append(a.droppedConstraints, con)
		}
	}
	if cascade && len(a.Rel.Dependents) > 0 {
		if a.gone == nil {
			a.gone = map[catalog.OID]bool{}
		}
		for _, v := range ViewsReading(a.C, a.Rel, col) {
			for list := []*catalog.Relation{v}; len(list) > 0; list = list[1:] {
				if !a.gone[list[0].OID] {
					a.gone[list[0].OID] = true
					list = append(list, a.C.RelationsByOID(list[0].Dependents)...)
				}
			}
		}
	}
}

// ViewsReading returns the views that read a column.
func ViewsReading(c *catalog.Catalog, rel *catalog.Relation, col *catalog.Column) []*catalog.Relation {
	return slices.DeleteFunc(c.RelationsByOID(rel.Dependents), func(v *catalog.Relation) bool {
		return v.View == nil || !contains(v.View.Columns[rel.OID], col.Attnum)
	})
}

// takeDropConstraint records a dropped constraint, with the inherited ones below it.
func (a *Alteration) takeDropConstraint(con *catalog.Constraint) {
	a.droppedConstraints = append(a.droppedConstraints, con)
	if con.Kind == catalog.Check || con.Kind == catalog.NotNullConstraint {
		for _, k := range a.C.ListTree(a.Rel, true)[1:] {
			if c := k.Constraint(con.Name); c != nil {
				a.droppedConstraints = append(a.droppedConstraints, c)
			}
		}
	}
}

// HasColumn reports whether the table certainly has the column to be added.
func (a *Alteration) HasColumn(name string) bool {
	col, known := a.FindColumn(a.Rel, name)
	return col != nil && known && !contains(a.droppedColumns, name)
}

// IsDropped reports whether a constraint is dropped.
func (a *Alteration) IsDropped(con *catalog.Constraint) bool {
	return contains(a.droppedConstraints, con)
}

// NewColumnDef returns the definition of a column that the statement adds; nil for another column.
func (a *Alteration) NewColumnDef(name string) *pgparse.ColumnDef {
	for _, d := range a.newColumns {
		if d.GetColname() == name {
			return d
		}
	}
	return nil
}

// NotValid returns the constraint of a name that the statement adds as NOT VALID; nil for
// none.
func (a *Alteration) NotValid(name string) *pgparse.Constraint {
	for _, con := range a.notValid {
		if con.GetConname() == name {
			return con
		}
	}
	return nil
}

// IsIdentity reports whether a column is an identity column after the commands so far.
func (a *Alteration) IsIdentity(col *catalog.Column) bool {
	return col.Identity != "" && !contains(a.withoutIdentity, col.Name)
}

// typeNow returns the type of a column after the commands so far; an unknown type if it
// was not seen.
func (a *Alteration) typeNow(name string) catalog.Type {
	if t, ok := a.newTypes[name]; ok {
		return t
	}
	if col := a.Rel.Column(name); col != nil && !contains(a.droppedColumns, name) {
		if col.Inferred {
			return catalog.Type{}
		}
		return col.Type
	}
	if d := a.NewColumnDef(name); d != nil && !isSerial(d.GetTypeName()) {
		return a.C.TypeOf(d.GetTypeName())
	}
	return catalog.Type{}
}
