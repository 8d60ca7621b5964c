package refusal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// newTable is a CREATE TABLE while it is checked.
type newTable struct {
	*Checker
	name        catalog.Name
	persistence catalog.Persistence
	elements    []*pgparse.Node
}

// checkCreateTable checks CREATE TABLE and CREATE FOREIGN TABLE.
func (q *Checker) checkCreateTable(s *pgparse.CreateStmt) {
	rv := s.GetRelation()
	if s.GetIfNotExists() && q.TableThere(rv) {
		return
	}
	t := newTable{q, q.NewName(rv), persistenceOf(rv), s.GetTableElts()}
	for _, n := range s.GetPartspec().GetPartParams() {
		if e := n.GetPartitionElem().GetExpr(); e != nil && !q.mayIndex(e, t.typeOfColumn) {
			q.RecordRefusal(pgerror.PartitionKeyMutable)
		}
	}
	for _, n := range t.elements {
		switch m := pgparse.Unwrap(n).(type) {
		case *pgparse.ColumnDef:
			t.checkColumn(m)
		case *pgparse.Constraint:
			q.checkConstraintSyntax(m)
			t.checkForeignKey(m, StringNames(m.GetFkAttrs()))
			t.checkKey(m, StringNames(m.GetKeys()))
		case *pgparse.TableLikeClause:
			q.FindTable(m.GetRelation())
		}
	}
	for _, n := range s.GetConstraints() {
		q.checkConstraintSyntax(n.GetConstraint())
		t.checkForeignKey(n.GetConstraint(), StringNames(n.GetConstraint().GetFkAttrs()))
	}
	for _, n := range s.GetInhRelations() {
		if parent := q.FindTable(n.GetRangeVar()); parent != nil {
			t.checkParent(parent, s.GetPartbound())
		}
	}
}

// TableThere reports whether the table to be created exists already.
func (q *Checker) TableThere(rv *pgparse.RangeVar) bool {
	schema := rv.GetSchemaname()
	if rv.GetRelpersistence() == "t" {
		schema = "pg_temp"
	}
	if schema == "" {
		schema = q.CreationSchema()
	}
	return q.C.Lookup(schema, rv.GetRelname()) != nil
}

func persistenceOf(rv *pgparse.RangeVar) catalog.Persistence {
	switch rv.GetRelpersistence() {
	case "t":
		return catalog.Temporary
	case "u":
		return catalog.Unlogged
	}
	return catalog.Permanent
}

// typeOfColumn returns the type of a column that the statement lists; an unknown one for
// another, and for one that makes a sequence.
func (t *newTable) typeOfColumn(name string) catalog.Type {
	for _, n := range t.elements {
		if d := n.GetColumnDef(); d != nil && d.GetColname() == name && d.GetTypeName() != nil && !isSerial(d.GetTypeName()) {
			return t.C.TypeOf(d.GetTypeName())
		}
	}
	return catalog.Type{}
}

func (t *newTable) checkColumn(def *pgparse.ColumnDef) {
	t.checkColumnSyntax(def)
	t.requireType(t.C.TypeOf(def.GetTypeName()))
	n := ReadColumn(def)
	t.refuseNewerSyntax(n.Default)
	if n.Generated != "" && !t.mayIndex(n.Default, t.typeOfColumn) {
		t.RecordRefusal(pgerror.GenerationMutable)
	}
	for _, con := range n.ForeignKeys {
		t.checkForeignKey(con, []string{def.GetColname()})
	}
	for _, con := range n.Keys {
		t.checkKey(con, []string{def.GetColname()})
	}
}

// checkKey refuses a key of the new table on a column whose type has no order.
func (t *newTable) checkKey(con *pgparse.Constraint, columns []string) {
	for _, name := range columns {
		t.KeepRefusal(t.checkKeyType(con, t.typeOfColumn(name)))
	}
}

// checkForeignKey checks a foreign key of the new table; other constraints have
// nothing to ask the schema.
func (t *newTable) checkForeignKey(con *pgparse.Constraint, columns []string) {
	pk := con.GetPktable()
	if con.GetContype() != pgparse.ConstrType_CONSTR_FOREIGN || IsItself(t.name, pk) {
		return
	}
	ref := t.FindTable(pk)
	if ref == nil {
		return
	}
	t.KeepRefusal(checkPersistence(t.persistence, ref))
	if ref.Kind.IsTable() && !ref.Inferred && !t.areKeysComparable(ref, con, columns, t.typeOfColumn) {
		t.KeepRefusal(t.foreignKeyTypeRefusal(t.name, con, columns))
	}
}

// IsItself reports whether a foreign key of a new table points to that table.
func IsItself(table catalog.Name, pk *pgparse.RangeVar) bool {
	return pk.GetRelname() == table.Name && (pk.GetSchemaname() == "" || pk.GetSchemaname() == table.Schema)
}

// checkParent checks a parent of the new table: one whose partition it becomes,
// or one that it inherits from.
func (t *newTable) checkParent(parent *catalog.Relation, bound *pgparse.PartitionBoundSpec) {
	switch {
	case bound == nil && parent.Kind == catalog.PartitionedTable:
		t.RecordRefusal(pgerror.InheritPartitioned, parent.Name.Name)
	case bound == nil || parent.Inferred:
	case (t.persistence == catalog.Temporary) != (parent.Persistence == catalog.Temporary):
		persistence, other := "permanent", "temporary"
		if t.persistence == catalog.Temporary {
			persistence, other = other, persistence
		}
		t.RecordRefusal(pgerror.PartitionPersistence, persistence, other, parent.Name.Name)
	case parent.Kind == catalog.PartitionedTable:
		t.checkPartitionOverlap(t.name, parent, bound)
	}
}
