package analysis

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
)

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
