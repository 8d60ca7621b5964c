package answer

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// newTable is a CREATE TABLE at work.
type newTable struct {
	*Question
	name        catalog.Name
	persistence catalog.Persistence
	elements    []*pgparse.Node
}

// createTable is CREATE TABLE and CREATE FOREIGN TABLE.
func (q *Question) createTable(s *pgparse.CreateStmt) {
	rv := s.GetRelation()
	if s.GetIfNotExists() && q.TableThere(rv) {
		return
	}
	t := newTable{q, q.NewName(rv), persistence(rv), s.GetTableElts()}
	if old := q.C.Lookup(t.name.Schema, t.name.Name); old != nil && !old.Inferred && !s.GetIfNotExists() {
		q.Refuse(refuse.RelationExists, t.name.Name)
	}
	for _, n := range s.GetPartspec().GetPartParams() {
		if e := n.GetPartitionElem().GetExpr(); e != nil && !q.mayIndex(e, t.typeOf) {
			q.Refuse(refuse.PartitionKeyMutable)
		}
	}
	for _, n := range t.elements {
		switch m := pgparse.Unwrap(n).(type) {
		case *pgparse.ColumnDef:
			t.column(m)
		case *pgparse.Constraint:
			q.constraintForm(m)
			t.foreignKey(m, Names(m.GetFkAttrs()))
		case *pgparse.TableLikeClause:
			q.Table(m.GetRelation())
		}
	}
	for _, n := range s.GetConstraints() {
		q.constraintForm(n.GetConstraint())
		t.foreignKey(n.GetConstraint(), Names(n.GetConstraint().GetFkAttrs()))
	}
	for _, n := range s.GetInhRelations() {
		if parent := q.Table(n.GetRangeVar()); parent != nil {
			t.below(parent, s.GetPartbound())
		}
	}
}

// TableThere reports whether a table that is to be made is there already.
func (q *Question) TableThere(rv *pgparse.RangeVar) bool {
	schema := rv.GetSchemaname()
	if rv.GetRelpersistence() == "t" {
		schema = "pg_temp"
	}
	if schema == "" {
		schema = q.CreationSchema()
	}
	return q.C.Lookup(schema, rv.GetRelname()) != nil
}

func persistence(rv *pgparse.RangeVar) catalog.Persistence {
	switch rv.GetRelpersistence() {
	case "t":
		return catalog.Temporary
	case "u":
		return catalog.Unlogged
	}
	return catalog.Permanent
}

// typeOf is the type of a column that the statement lists; an unknown one for
// another, and for one that makes a sequence.
func (t *newTable) typeOf(name string) catalog.Type {
	for _, n := range t.elements {
		if d := n.GetColumnDef(); d != nil && d.GetColname() == name && d.GetTypeName() != nil && !serial(d.GetTypeName()) {
			return t.C.TypeOf(d.GetTypeName())
		}
	}
	return catalog.Type{}
}

func (t *newTable) column(def *pgparse.ColumnDef) {
	t.columnForm(def)
	n := ReadColumn(def)
	t.newerIn(n.Default)
	if n.Generated != "" && !t.mayIndex(n.Default, t.typeOf) {
		t.Refuse(refuse.GenerationMutable)
	}
	for _, con := range n.ForeignKeys {
		t.foreignKey(con, []string{def.GetColname()})
	}
}

// foreignKey asks about a foreign key of the new table; other constraints have
// nothing to ask the schema.
func (t *newTable) foreignKey(con *pgparse.Constraint, columns []string) {
	pk := con.GetPktable()
	if con.GetContype() != pgparse.ConstrType_CONSTR_FOREIGN || IsItself(t.name, pk) {
		return
	}
	ref := t.Table(pk)
	if ref == nil {
		return
	}
	t.Deny(mayPoint(t.persistence, ref))
	if ref.Kind.IsTable() && !ref.Inferred && !t.comparable(ref, con, columns, t.typeOf) {
		t.Deny(t.notImplemented(t.name, con, columns))
	}
}

// IsItself reports whether a foreign key of a new table points to that table.
func IsItself(table catalog.Name, pk *pgparse.RangeVar) bool {
	return pk.GetRelname() == table.Name && (pk.GetSchemaname() == "" || pk.GetSchemaname() == table.Schema)
}

// below asks about a parent of the new table: one whose partition it becomes,
// or one that it inherits from.
func (t *newTable) below(parent *catalog.Relation, bound *pgparse.PartitionBoundSpec) {
	switch {
	case bound == nil && parent.Kind == catalog.PartitionedTable:
		t.Refuse(refuse.InheritPartitioned, parent.Name.Name)
	case bound == nil || parent.Inferred:
	case (t.persistence == catalog.Temporary) != (parent.Persistence == catalog.Temporary):
		one, other := "permanent", "temporary"
		if t.persistence == catalog.Temporary {
			one, other = other, one
		}
		t.Refuse(refuse.PartitionPersistence, one, other, parent.Name.Name)
	case parent.Kind != catalog.PartitionedTable:
		t.Refuse(refuse.NotPartitioned, parent.Name.Name)
	default:
		t.hasRoom(t.name, parent, bound)
	}
}
