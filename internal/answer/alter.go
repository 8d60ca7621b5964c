package answer

import (
	"cmp"
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Alteration is an ALTER TABLE as far as it has come: what its commands have
// made of the table so far. Who goes through the commands takes each of them.
type Alteration struct {
	*Question
	Rel *catalog.Relation
	// Recurse: not ONLY.
	Recurse bool

	droppedConstraints []*catalog.Constraint
	droppedColumns     []string
	newColumns         []*pgparse.ColumnDef
	notValid           []*pgparse.Constraint
	newIdentity        bool
	// newTypes are those that the statement gives to columns.
	newTypes map[string]catalog.Type
	// madeNotNull, and those whose default, identity and expression are dropped,
	// are columns as the statement has changed them.
	madeNotNull, withoutDefault, withoutIdentity, withoutExpression []string
	// gone are the views that went with a column (CASCADE).
	gone map[catalog.OID]bool
}

// Altering is an ALTER TABLE before its first command; nil when there is no such
// relation.
func (q *Question) Altering(s *pgparse.AlterTableStmt) *Alteration {
	rv := s.GetRelation()
	rel := q.Find(rv.GetSchemaname(), rv.GetRelname(), Kind(s.GetObjtype()), s.GetMissingOk())
	if rel == nil {
		return nil
	}
	return &Alteration{Question: q, Rel: rel, Recurse: rv.GetInh()}
}

// Commands are the commands of an ALTER TABLE in the order in which they are
// carried out: in passes, whatever their order in the text.
func Commands(s *pgparse.AlterTableStmt) []*pgparse.AlterTableCmd {
	cmds := make([]*pgparse.AlterTableCmd, 0, len(s.GetCmds()))
	for _, n := range s.GetCmds() {
		cmds = append(cmds, n.GetAlterTableCmd())
	}
	if len(cmds) > 1 {
		slices.SortStableFunc(cmds, func(x, y *pgparse.AlterTableCmd) int { return cmp.Compare(pass(x), pass(y)) })
	}
	return cmds
}

// passes is the order in which commands are carried out; those that are not
// listed come last (AT_PASS_MISC).
var passes = map[pgparse.AlterTableType]int8{
	pgparse.AlterTableType_AT_DropIdentity:       1,
	pgparse.AlterTableType_AT_DropNotNull:        1,
	pgparse.AlterTableType_AT_DropExpression:     1,
	pgparse.AlterTableType_AT_DropColumn:         1,
	pgparse.AlterTableType_AT_DropConstraint:     1,
	pgparse.AlterTableType_AT_AlterColumnType:    2,
	pgparse.AlterTableType_AT_AddColumn:          3,
	pgparse.AlterTableType_AT_SetExpression:      4,
	pgparse.AlterTableType_AT_AddConstraint:      6,
	pgparse.AlterTableType_AT_SetNotNull:         5,
	pgparse.AlterTableType_AT_ColumnDefault:      7,
	pgparse.AlterTableType_AT_AddIdentity:        7,
	pgparse.AlterTableType_AT_AddIndexConstraint: 6,
}

func pass(cmd *pgparse.AlterTableCmd) int8 {
	if cmd.GetSubtype() == pgparse.AlterTableType_AT_ColumnDefault && cmd.GetDef() == nil {
		return 1 // DROP DEFAULT
	}
	if p, ok := passes[cmd.GetSubtype()]; ok {
		return p
	}
	return 8
}

// Take notes what a command changes for those behind it.
func (a *Alteration) Take(cmd *pgparse.AlterTableCmd) {
	name := cmd.GetName()
	switch cmd.GetSubtype() {
	case pgparse.AlterTableType_AT_AddColumn:
		if def := cmd.GetDef().GetColumnDef(); !a.There(def.GetColname()) {
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
		a.madeNotNull = append(a.madeNotNull, Names(con.GetKeys())...)
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

// takeDrop notes a dropped column: constraints of it go too, and by CASCADE the
// views that read it.
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
		for _, v := range Readers(a.C, a.Rel, col) {
			for list := []*catalog.Relation{v}; len(list) > 0; list = list[1:] {
				if !a.gone[list[0].OID] {
					a.gone[list[0].OID] = true
					list = append(list, a.C.Rels(list[0].Dependents)...)
				}
			}
		}
	}
}

// Readers are the views that read a column.
func Readers(c *catalog.Catalog, rel *catalog.Relation, col *catalog.Column) []*catalog.Relation {
	return slices.DeleteFunc(c.Rels(rel.Dependents), func(v *catalog.Relation) bool {
		return v.View == nil || !contains(v.View.Columns[rel.OID], col.Attnum)
	})
}

// takeDropConstraint notes a dropped constraint, with those below that it has
// made.
func (a *Alteration) takeDropConstraint(con *catalog.Constraint) {
	a.droppedConstraints = append(a.droppedConstraints, con)
	if con.Kind == catalog.Check || con.Kind == catalog.NotNullConstraint {
		for _, k := range a.C.Tree(a.Rel, true)[1:] {
			if c := k.Constraint(con.Name); c != nil {
				a.droppedConstraints = append(a.droppedConstraints, c)
			}
		}
	}
}

// There reports whether the table surely has a column that is to be added.
func (a *Alteration) There(name string) bool {
	col, known := a.Column(a.Rel, name)
	return col != nil && known && !contains(a.droppedColumns, name)
}

// Dropped reports whether a constraint is dropped.
func (a *Alteration) Dropped(con *catalog.Constraint) bool {
	return contains(a.droppedConstraints, con)
}

// keyDropped reports whether the primary key is dropped.
func (a *Alteration) keyDropped() bool {
	return slices.ContainsFunc(a.droppedConstraints, func(c *catalog.Constraint) bool { return c.Kind == catalog.PrimaryKey })
}

// New is the definition of a column that the statement adds; nil for another.
func (a *Alteration) New(name string) *pgparse.ColumnDef {
	for _, d := range a.newColumns {
		if d.GetColname() == name {
			return d
		}
	}
	return nil
}

// NotValid is the constraint of a name that the statement adds NOT VALID; nil
// for none.
func (a *Alteration) NotValid(name string) *pgparse.Constraint {
	for _, con := range a.notValid {
		if con.GetConname() == name {
			return con
		}
	}
	return nil
}

// IsIdentity reports whether a column is one as far as the statement has come.
func (a *Alteration) IsIdentity(col *catalog.Column) bool {
	return col.Identity != "" && !contains(a.withoutIdentity, col.Name)
}

// typeNow is the type of a column as far as the statement has come; an unknown
// one when it was not seen.
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
	if d := a.New(name); d != nil && !serial(d.GetTypeName()) {
		return a.C.TypeOf(d.GetTypeName())
	}
	return catalog.Type{}
}
