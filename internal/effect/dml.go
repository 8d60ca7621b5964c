package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// insertRows is INSERT: it locks the target, the tables that its foreign keys reference, and the relations of its query.
func (r *run) insertRows(m *pgparse.InsertStmt, l *query.Level) {
	r.lockWithQueries(l)
	w := write{
		event: "insert", columns: pgparse.TargetNames(m.GetCols()),
	}
	rel := r.findTable(m.GetRelation())
	if rel != nil {
		w.given = insertedColumns(m, rel)
	}
	// Only the partitions that rows go to are locked: which, is not known.
	tables, runs := r.lockTarget(m.GetRelation(), w)
	for _, t := range tables {
		r.lockReferencedTables(t, nil)
	}
	if rel != nil && tables != nil {
		r.lockDefaults(rel, w.given)
	}
	r.runOrOnlyLock(runs, func() { r.lockQueryLevel(l.Query) })
	r.lockNodes(l, m.GetOnConflictClause().GetTargetList(), m.GetReturningClause().GetExprs())
	r.lockNode(m.GetOnConflictClause().GetWhereClause(), l)
}

// insertedColumns returns the columns for which an INSERT has values, by the column's number; nil
// if that is not known, so that all may have one.
func insertedColumns(m *pgparse.InsertStmt, t *catalog.Relation) map[int16]bool {
	var list []int16
	for _, n := range m.GetCols() {
		if c := t.Column(n.GetResTarget().GetName()); c != nil {
			list = append(list, c.Attnum)
		}
	}
	if len(m.GetCols()) == 0 {
		for i := range t.Columns {
			list = append(list, t.Columns[i].Attnum)
		}
	}
	out := map[int16]bool{}
	sel := m.GetSelectStmt().GetSelectStmt()
	switch {
	case m.GetSelectStmt() == nil: // DEFAULT VALUES
		return out
	case len(sel.GetValuesLists()) > 0:
		for _, row := range sel.GetValuesLists() {
			items := row.GetList().GetItems()
			for i := range min(len(items), len(list)) {
				if items[i].GetSetToDefault() == nil {
					out[list[i]] = true
				}
			}
		}
		// A column that one row leaves to its default takes it.
		for _, row := range sel.GetValuesLists() {
			for i, item := range row.GetList().GetItems() {
				if item.GetSetToDefault() != nil && i < len(list) {
					delete(out, list[i])
				}
			}
		}
		return out
	case len(m.GetCols()) == 0:
		return nil // the width of a query is not known
	}
	for _, a := range list {
		out[a] = true
	}
	return out
}

// lockDefaults locks the sequences that the defaults of a new row take numbers from
// (https://www.postgresql.org/docs/current/functions-sequence.html).
func (r *run) lockDefaults(t *catalog.Relation, assignedColumns map[int16]bool) {
	if assignedColumns == nil {
		return
	}
	for i := range t.Columns {
		if c := t.Columns[i]; !assignedColumns[c.Attnum] {
			r.lockColumnDefault(c)
		}
	}
}

func (r *run) lockColumnDefault(c *catalog.Column) {
	if r.namedOnly {
		return // the sequence stays as it is
	}
	if c.TakesNumber() {
		if seq := r.C.Relation(c.Sequence); seq != nil {
			r.lockRelation(seq, rx)
		}
		return
	}
	r.lockCalls(c.Default)
}

// lockReferencedTables locks the tables that the changed foreign keys of a row
// point to: the check locks the referenced rows.
func (r *run) lockReferencedTables(t *catalog.Relation, changed []string) {
	if r.namedOnly {
		return
	}
	for _, con := range t.Constraints {
		if con.Kind != catalog.ForeignKey || !con.Enforced && con.Valid {
			continue
		}
		if changed != nil && !r.touchesColumn(t, con.Columns, changed) {
			continue
		}
		if ref := r.C.Relation(con.Ref); ref != nil {
			r.lockWithReason(ref, rs, referenceReason(con.Name, ""))
		}
	}
}

func (r *run) touchesColumn(t *catalog.Relation, attnums []int16, names []string) bool {
	for _, a := range attnums {
		if col := t.Attr(a); col != nil && contains(names, col.Name) {
			return true
		}
	}
	return false
}

// runOrOnlyLock does what a statement does beside its target; nothing of it is read
// when the statement does not run.
func (r *run) runOrOnlyLock(runs bool, f func()) {
	if runs {
		f()
		return
	}
	r.lockWithoutWork(f)
}

func (r *run) updateRows(m *pgparse.UpdateStmt, l *query.Level) {
	r.lockWithQueries(l)
	var reset []string
	for _, n := range m.GetTargetList() {
		if n.GetResTarget().GetVal().GetSetToDefault() != nil {
			reset = append(reset, n.GetResTarget().GetName())
		}
	}
	changed := pgparse.TargetNames(m.GetTargetList())
	mark := len(r.Effects)
	tables, runs := r.lockTarget(m.GetRelation(), write{
		event: "update", where: m.GetWhereClause(), columns: changed,
	})
	tables = r.prunePartitions(mark, tables, m.GetRelation(), m.GetWhereClause())
	for _, t := range tables {
		for _, name := range reset {
			if c := t.Column(name); c != nil {
				r.lockColumnDefault(c)
			}
		}
		r.markTargetScan(t, m.GetRelation(), m.GetWhereClause())
		r.lockReferencedTables(t, changed)
		r.lockTablesReferencingRows(t, changed)
	}
	r.runOrOnlyLock(runs, func() {
		r.lockNodes(l, m.GetTargetList())
		for _, n := range m.GetFromClause() {
			r.lockFromItem(n, l, true, m.GetWhereClause())
		}
		r.lockNode(m.GetWhereClause(), l)
		r.lockNodes(l, m.GetReturningClause().GetExprs())
	})
}

func (r *run) deleteRows(m *pgparse.DeleteStmt, l *query.Level) {
	r.lockWithQueries(l)
	mark := len(r.Effects)
	tables, runs := r.lockTarget(m.GetRelation(), write{event: "delete", where: m.GetWhereClause()})
	tables = r.prunePartitions(mark, tables, m.GetRelation(), m.GetWhereClause())
	for _, t := range tables {
		r.markTargetScan(t, m.GetRelation(), m.GetWhereClause())
		r.lockTablesReferencingRows(t, nil)
	}
	r.runOrOnlyLock(runs, func() {
		for _, n := range m.GetUsingClause() {
			r.lockFromItem(n, l, true, m.GetWhereClause())
		}
		r.lockNode(m.GetWhereClause(), l)
		r.lockNodes(l, m.GetReturningClause().GetExprs())
	})
}

// markRowScan marks what a row-level statement reads to find its rows.
func (r *run) markRowScan(t *catalog.Relation, where *pgparse.Node) {
	if !hasStorage(t) {
		return
	}
	e := r.effectOn(t)
	if where == nil {
		e.Scans = true
		return
	}
	e.Rows = true
	if !t.Inferred && !r.hasIndexFor(t, where) {
		e.Scans = true
	}
}

// lockTablesReferencingRows locks the tables whose foreign keys point to a row that
// goes away or changes its key (changed; nil for a deletion). Without an index
// on the foreign key they are scanned in full, for each row.
func (r *run) lockTablesReferencingRows(t *catalog.Relation, changed []string) {
	if r.namedOnly {
		return
	}
	for _, ref := range r.C.ListReferences(t, true) {
		target := r.C.Relation(ref.Con.Ref)
		action := ref.Con.OnDelete
		if changed != nil {
			action = ref.Con.OnUpdate
			if target == nil || !r.touchesColumn(target, ref.Con.RefColumns, changed) {
				continue
			}
		}
		mode := rs
		if action == "cascade" || action == "set null" || action == "set default" {
			mode = rx
		}
		for _, from := range r.C.ListTree(ref.From, ref.From.Kind == catalog.PartitionedTable) {
			e := r.lockWithReason(from, mode, "references "+t.Name.String())
			if hasStorage(from) && !r.hasIndexOn(from, ref.Con.Columns) {
				e.Scans = true
			}
		}
	}
}

func (r *run) hasIndexOn(t *catalog.Relation, columns []int16) bool {
	for _, i := range r.C.IndexesOf(t) {
		if i.Index != nil && len(i.Index.Keys) > 0 && i.Index.Predicate == nil && contains(columns, i.Index.Keys[0].Column) {
			return true
		}
	}
	return false
}

func (r *run) mergeRows(m *pgparse.MergeStmt) {
	var changed []string
	deletes := false
	for _, n := range m.GetMergeWhenClauses() {
		w := n.GetMergeWhenClause()
		deletes = deletes || w.GetCommandType() == pgparse.CmdType_CMD_DELETE
		for _, t := range w.GetTargetList() {
			changed = append(changed, t.GetResTarget().GetName())
		}
	}
	tables, _ := r.lockTarget(m.GetRelation(), write{event: "merge", where: m.GetJoinCondition()})
	for _, t := range tables {
		r.markTargetScan(t, m.GetRelation(), m.GetJoinCondition())
		r.lockReferencedTables(t, changed)
		if deletes {
			r.lockTablesReferencingRows(t, nil)
		}
	}
}
