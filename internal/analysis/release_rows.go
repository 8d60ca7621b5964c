package analysis

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/script"
)

// Rows is what a release has done to rows before the statement in question.
type Rows struct {
	// programTables are the tables whose rows a program changes.
	programTables map[catalog.OID]bool
	// updatedColumns are the columns that an UPDATE has set.
	updatedColumns map[columnOf]bool
	// putRows maps tables to the number of rows that were put into them, at most.
	putRows map[catalog.OID]Extent
	// shownEmpty are the tables that a statement has shown to be empty, and that got few rows since.
	shownEmpty map[catalog.OID]bool
	// clearedTables are the tables whose rows a statement has removed, all of them.
	clearedTables map[catalog.OID]bool
	// addedValues are the values of columns that the release added, by table and attnum, until something fills them.
	addedValues map[catalog.OID]map[int16]AddedValue
	// runsProgram: the current migration runs a program.
	runsProgram bool
}

// columnOf is a column of a table.
type columnOf struct {
	table  catalog.OID
	attnum int16
}

// RowPut is how many rows a statement puts into a table.
type RowPut struct {
	Table catalog.OID
	Rows  Extent
}

// NewRows returns the state of a release that has done nothing yet.
func NewRows() *Rows {
	return &Rows{
		programTables: map[catalog.OID]bool{}, updatedColumns: map[columnOf]bool{}, putRows: map[catalog.OID]Extent{},
		shownEmpty: map[catalog.OID]bool{}, clearedTables: map[catalog.OID]bool{}, addedValues: map[catalog.OID]map[int16]AddedValue{},
	}
}

// RecordPut records rows that a statement puts into a table.
func (r *Rows) RecordPut(x RowPut) {
	r.putRows[x.Table] = max(r.putRows[x.Table], x.Rows)
	if x.Rows > Few {
		delete(r.shownEmpty, x.Table)
	}
}

// RecordEmpty records that a statement only succeeds if a table has no rows.
func (r *Rows) RecordEmpty(table catalog.OID) { r.shownEmpty[table] = true }

// IsNearlyEmpty reports whether a statement has shown that a table had no rows, and only few were put into it since.
func (r *Rows) IsNearlyEmpty(table catalog.OID) bool { return r.shownEmpty[table] }

// HasManyPutRows reports whether more than a few rows may have been put into a table.
func (r *Rows) HasManyPutRows(table catalog.OID) bool { return r.putRows[table] > Few }

// HasRows reports whether a statement or a program may have put rows into a table.
func (r *Rows) HasRows(table catalog.OID) bool {
	_, isWritten := r.putRows[table]
	return isWritten || r.programTables[table]
}

// RecordProgramWork records that a program works on the rows of a table, and perhaps inserts some.
// few: it works on few rows at most. A single inserted row is not a backfill.
func (r *Rows) RecordProgramWork(table catalog.OID, few bool) {
	r.programTables[table] = true
	if !few {
		r.RecordPut(RowPut{Table: table, Rows: Some})
	}
}

// RecordCleared records the tables whose rows a statement removes, all of them.
func (r *Rows) RecordCleared(s *script.Statement, before *catalog.Catalog) {
	if s.Conditional {
		return
	}
	record := func(v *pgparse.RangeVar) {
		if t, _ := before.Resolve(v); t != nil {
			r.clearedTables[t.OID] = true
		}
	}
	for _, n := range s.Node.GetTruncateStmt().GetRelations() {
		record(n.GetRangeVar())
	}
	if d := s.Node.GetDeleteStmt(); d != nil && d.GetWhereClause() == nil && len(d.GetUsingClause()) == 0 {
		record(d.GetRelation())
	}
}

// WasCleared reports whether an earlier statement of the release removed all rows of a table.
func (r *Rows) WasCleared(table catalog.OID) bool { return r.clearedTables[table] }

// RecordUpdated records the columns that an UPDATE sets to a value: from then on, a column that the release added is no longer
// NULL in all rows.
func (r *Rows) RecordUpdated(n *pgparse.Node, before *catalog.Catalog) {
	u := n.GetUpdateStmt()
	if u == nil {
		return
	}
	t, _ := before.Resolve(u.GetRelation())
	for _, n := range u.GetTargetList() {
		if c := t.Column(n.GetResTarget().GetName()); c != nil && !n.GetResTarget().GetVal().GetAConst().GetIsnull() {
			r.updatedColumns[columnOf{t.OID, c.Attnum}] = true
		}
	}
}

// WasUpdated reports whether an earlier UPDATE of the release set a column.
func (r *Rows) WasUpdated(t *catalog.Relation, c *catalog.Column) bool {
	return r.updatedColumns[columnOf{t.OID, c.Attnum}]
}

// AddedValue is the value of all rows of a table in a column that the release added, and that nothing has filled since.
type AddedValue struct {
	// Constant is the default with which the column was added; nil for NULL, or if Same is set.
	Constant *pgparse.Node
	// Same: all rows have one value, which is known only when the statement runs, such as now().
	Same bool
}

// RecordAdded records the columns that a statement adds to a table.
func (r *Rows) RecordAdded(deltas []catalog.Delta) {
	if r.runsProgram {
		return
	}
	for i := range deltas {
		d := &deltas[i]
		if d.Kind != catalog.ColumnAdded || d.New.Generated != "" || d.New.Identity != "" || d.New.Type.OID != 0 && d.New.Default == nil {
			continue // a domain may have a default
		}
		value := AddedValue{Constant: d.New.Default}
		if d.New.Default != nil {
			if _, constant := predicate.LiteralValue(pgparse.StripCasts(d.New.Default)); !constant {
				if !isTransactionTime(d.New.Default) {
					continue
				}
				value = AddedValue{Same: true}
			}
		}
		if r.addedValues[d.OID] == nil {
			r.addedValues[d.OID] = map[int16]AddedValue{}
		}
		r.addedValues[d.OID][d.New.Attnum] = value
	}
}

// isTransactionTime reports whether a default is the time of the transaction, which is one value for all rows.
func isTransactionTime(n *pgparse.Node) bool {
	n = pgparse.StripCasts(n)
	if v := n.GetSqlvalueFunction(); v != nil {
		return true
	}
	f := n.GetFuncCall()
	if f == nil || len(f.GetArgs()) > 0 {
		return false
	}
	switch pgparse.LastText(f.GetFuncname()) {
	case "now", "transaction_timestamp", "statement_timestamp":
		return true
	}
	return false
}

// RecordWritten records that a statement may have written columns of a table: from then on, the rows do not hold what they were added with.
func (r *Rows) RecordWritten(w *Write) {
	addedValues := r.addedValues[w.Table.OID]
	if len(addedValues) == 0 {
		return
	}
	set := map[string]bool{}
	switch n := w.Node.(type) {
	case *pgparse.UpdateStmt:
		for _, t := range n.GetTargetList() {
			set[t.GetResTarget().GetName()] = true
		}
	case *pgparse.DeleteStmt:
		return
	case *pgparse.InsertStmt:
		if n.GetOnConflictClause() == nil && w.Extent == Few {
			return // the other rows stay as they are
		}
		set = nil
	default:
		set = nil
	}
	for attnum := range addedValues {
		if c := w.Table.Attr(attnum); set == nil || c == nil || set[c.Name] {
			delete(addedValues, attnum)
		}
	}
}

// StartProgram records that the migration runs a program, which may fill any column. EndProgram ends it.
func (r *Rows) StartProgram() {
	r.runsProgram = true
	clear(r.addedValues)
}

// EndProgram records that the migration ended.
func (r *Rows) EndProgram() { r.runsProgram = false }

// AddedValue returns what all rows of a table hold in a column that the release added; ok is false if that is not known.
func (r *Rows) AddedValue(table catalog.OID, attnum int16) (value AddedValue, ok bool) {
	value, ok = r.addedValues[table][attnum]
	return value, ok && !r.shownEmpty[table] && !r.clearedTables[table]
}
