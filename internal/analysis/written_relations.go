package analysis

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// RowWrite is what a statement does to the rows of the relation that it names.
type RowWrite struct {
	// Events are "insert", "update", "delete" and "truncate".
	Events []string
	// Columns are the names of the columns that its UPDATE sets.
	Columns []string
	// Only: it reaches no children.
	Only bool
}

// ReadWrite returns what an INSERT, UPDATE, DELETE or MERGE writes.
func ReadWrite(node any) RowWrite {
	switch s := node.(type) {
	case *pgparse.InsertStmt:
		w := RowWrite{Events: []string{"insert"}, Only: true}
		if c := s.GetOnConflictClause(); c.GetAction() == pgparse.OnConflictAction_ONCONFLICT_UPDATE {
			w.Events, w.Columns = append(w.Events, "update"), pgparse.TargetNames(c.GetTargetList())
		}
		return w
	case *pgparse.UpdateStmt:
		return RowWrite{Events: []string{"update"}, Columns: pgparse.TargetNames(s.GetTargetList()), Only: !s.GetRelation().GetInh()}
	case *pgparse.DeleteStmt:
		return RowWrite{Events: []string{"delete"}, Only: !s.GetRelation().GetInh()}
	case *pgparse.MergeStmt:
		w := RowWrite{Only: !s.GetRelation().GetInh()}
		for _, n := range s.GetMergeWhenClauses() {
			switch whenClause := n.GetMergeWhenClause(); whenClause.GetCommandType() {
			case pgparse.CmdType_CMD_INSERT:
				w.Events = append(w.Events, "insert")
			case pgparse.CmdType_CMD_UPDATE:
				w.Events = append(w.Events, "update")
				w.Columns = append(w.Columns, pgparse.TargetNames(whenClause.GetTargetList())...)
			case pgparse.CmdType_CMD_DELETE:
				w.Events = append(w.Events, "delete")
			}
		}
		return w
	}
	return RowWrite{}
}

// WrittenRelation is a relation whose rows a statement writes.
type WrittenRelation struct {
	*catalog.Relation
	// Events are "insert", "update", "delete" and "truncate".
	Events []string
	// Direct: the statement's list of columns is about this relation, not about one that leads to it.
	Direct bool
	// columns are those that an UPDATE sets.
	columns []int16
	// target: the server's command is for this relation, not for one that it is a partition or a child of.
	target bool
	// only: the command reaches no children.
	only bool
	// moves: rows may move from one partition to another.
	moves bool
}

// FiringEvents lists the events of the write that fire an enabled trigger of the relation.
func (w *WrittenRelation) FiringEvents(t *catalog.Trigger) (out []string) {
	if !t.Enabled || t.Parent && !w.target {
		return nil // the trigger of the partitioned table is listed
	}
	for _, event := range w.Events {
		switch {
		case !t.IsFor(event), event == "update" && len(t.Columns) > 0 && !haveCommonColumn(t.Columns, w.columns):
		case !t.Row && event != "truncate" && (!w.target || w.View != nil && !slices.Contains(w.InsteadOf(), event)):
		default:
			out = append(out, event)
		}
	}
	if w.moves && t.Row {
		for _, event := range []string{"insert", "delete"} {
			if t.IsFor(event) && !slices.Contains(out, event) {
				out = append(out, event)
			}
		}
	}
	return out
}

func haveCommonColumn(a, b []int16) bool {
	return slices.ContainsFunc(a, func(n int16) bool { return slices.Contains(b, n) })
}

// ListWritten lists the relations whose rows a write to r changes: r itself, the table of a view, the partitions and children,
// and the tables whose rows a foreign key changes along.
func ListWritten(c *catalog.Catalog, r *catalog.Relation, w RowWrite) []WrittenRelation {
	l := writtenList{catalog: c, entries: map[*catalog.Relation][]int{}}
	l.addTarget(r, w, true)
	return l.found
}

type writtenList struct {
	catalog *catalog.Catalog
	found   []WrittenRelation
	// entries are the indices of a relation in found.
	entries map[*catalog.Relation][]int
}

// addTarget adds the relation of a command.
func (l *writtenList) addTarget(r *catalog.Relation, w RowWrite, direct bool) {
	if r != nil {
		l.addRelation(WrittenRelation{Relation: r, Events: w.Events, Direct: direct, columns: listWithGenerated(r, w.Columns), target: true, only: w.Only})
	}
}

// listWithGenerated returns the numbers of columns by their names, and of the generated columns that follow from them.
func listWithGenerated(r *catalog.Relation, names []string) (out []int16) {
	if len(names) == 0 {
		return nil
	}
	for _, c := range r.Columns {
		if slices.Contains(names, c.Name) {
			out = append(out, c.Attnum)
		}
	}
	for _, c := range r.Columns {
		if haveCommonColumn(c.GeneratedFrom, out) {
			out = append(out, c.Attnum)
		}
	}
	return out
}

// addRelation adds a relation, and those that follow from it.
func (l *writtenList) addRelation(w WrittenRelation) {
	if slices.ContainsFunc(l.entries[w.Relation], func(i int) bool { return w.isPartOf(l.found[i]) }) {
		return
	}
	moves := w.moves || slices.Contains(w.Events, "update") && setsPartitionKey(w.Relation, w.columns)
	w.moves = moves || slices.Contains(w.Events, "update") && l.mayMoveInSubpartitions(w.Relation, w.columns)
	l.entries[w.Relation] = append(l.entries[w.Relation], len(l.found))
	l.found = append(l.found, w)
	if w.View != nil {
		l.addBaseTable(w)
		return
	}
	names := w.ColumnNames(w.columns)
	addPart := func(oid catalog.OID, events []string, moves bool) {
		if r := l.catalog.Relation(oid); r != nil && len(events) > 0 {
			l.addRelation(WrittenRelation{Relation: r, Events: events, Direct: w.Direct, columns: listWithGenerated(r, names), moves: moves})
		}
	}
	for _, oid := range w.Partitions {
		addPart(oid, w.Events, moves)
	}
	if !w.only {
		events := slices.DeleteFunc(slices.Clone(w.Events), func(event string) bool { return event == "insert" })
		for _, oid := range w.Children {
			addPart(oid, events, false)
		}
	}
	l.addCascades(w, w.Relation)
	if w.target {
		for parent := l.catalog.Relation(w.Parent); parent != nil; parent = l.catalog.Relation(parent.Parent) {
			l.addCascades(w, parent)
		}
	}
}

// setsPartitionKey reports whether an UPDATE of columns may move rows between the partitions of a table.
func setsPartitionKey(r *catalog.Relation, columns []int16) bool {
	return slices.ContainsFunc(r.PartitionKey, func(k catalog.IndexKey) bool {
		return slices.Contains(columns, k.Column) || haveCommonColumn(k.Columns, columns)
	})
}

// mayMoveInSubpartitions reports whether an UPDATE of columns may move rows between the partitions of a partition.
func (l *writtenList) mayMoveInSubpartitions(r *catalog.Relation, columns []int16) bool {
	return slices.ContainsFunc(r.Partitions, func(oid catalog.OID) bool {
		part := l.catalog.Relation(oid)
		if part == nil {
			return false
		}
		written := listWithGenerated(part, r.ColumnNames(columns))
		return setsPartitionKey(part, written) || l.mayMoveInSubpartitions(part, written)
	})
}

// isPartOf reports whether another entry of the relation has everything that an entry adds.
func (w *WrittenRelation) isPartOf(other WrittenRelation) bool {
	return (other.Direct || !w.Direct) && (other.target || !w.target) && (other.moves || !w.moves) && (w.only || !other.only) &&
		!slices.ContainsFunc(w.Events, func(event string) bool { return !slices.Contains(other.Events, event) }) &&
		!slices.ContainsFunc(w.columns, func(n int16) bool { return !slices.Contains(other.columns, n) })
}

// addBaseTable adds the table to which a view passes the writes that no INSTEAD OF trigger takes.
func (l *writtenList) addBaseTable(w WrittenRelation) {
	instead := w.InsteadOf()
	events := slices.DeleteFunc(slices.Clone(w.Events), func(event string) bool { return slices.Contains(instead, event) })
	if len(events) > 0 && l.catalog.IsUpdatable(w.Relation) {
		names := l.catalog.BaseColumns(w.Relation, w.ColumnNames(w.columns))
		l.addTarget(l.catalog.BaseOfView(w.Relation), RowWrite{Events: events, Columns: names, Only: w.only}, false)
	}
}

// addCascades adds the tables whose foreign keys to a table change their rows along with the rows of w, which is the table or a partition of it.
func (l *writtenList) addCascades(w WrittenRelation, table *catalog.Relation) {
	for i, oid := range table.ReferencedBy {
		other := l.catalog.Relation(oid)
		if other == nil || slices.Contains(table.ReferencedBy[:i], oid) {
			continue // it is listed once for each foreign key
		}
		for _, c := range other.Constraints {
			if c.Kind != catalog.ForeignKey || c.Ref != table.OID || c.Parent {
				continue
			}
			deletes := slices.Contains(w.Events, "delete")
			switch {
			case deletes && c.OnDelete == "cascade":
				l.addTarget(other, RowWrite{Events: []string{"delete"}, Only: true}, false)
			case deletes && setsColumns(c.OnDelete) && len(c.SetColumns) > 0:
				l.addUpdatedTable(other, c.SetColumns)
			case deletes && setsColumns(c.OnDelete):
				l.addUpdatedTable(other, c.Columns)
			}
			if slices.Contains(w.Events, "update") && (c.OnUpdate == "cascade" || setsColumns(c.OnUpdate)) && l.changesKey(w, table.ColumnNames(c.RefColumns)) {
				l.addUpdatedTable(other, c.Columns)
			}
		}
	}
}

// setsColumns reports whether an action of a foreign key is SET NULL or SET DEFAULT.
func setsColumns(action string) bool { return action == "set null" || action == "set default" }

// addUpdatedTable adds a table whose columns a foreign key sets.
func (l *writtenList) addUpdatedTable(r *catalog.Relation, columns []int16) {
	l.addTarget(r, RowWrite{Events: []string{"update"}, Columns: r.ColumnNames(columns), Only: true}, false)
}

// changesKey reports whether an UPDATE, or a trigger before it, sets one of the columns.
func (l *writtenList) changesKey(w WrittenRelation, key []string) bool {
	return slices.ContainsFunc(key, func(name string) bool {
		if c := w.Column(name); c != nil && slices.Contains(w.columns, c.Attnum) {
			return true
		}
		return slices.ContainsFunc(w.Triggers, func(t *catalog.Trigger) bool {
			if t.Timing != "before" || !t.Row || !slices.Contains(w.FiringEvents(t), "update") {
				return false
			}
			body, known := triggerBody(l.catalog, t)
			return known && assignsColumn(body, name)
		})
	})
}

// FiredTrigger is a trigger that a write fires, with its function.
type FiredTrigger struct {
	Table    *catalog.Relation
	Trigger  *catalog.Trigger
	Function *catalog.Function
	// Events are the write's events that fire it.
	Events []string
	// Direct: the trigger belongs to the written table or one of its partitions.
	Direct bool
}

// ListFired lists the triggers that a write fires, as far as their functions are known in PL/pgSQL.
func ListFired(c *catalog.Catalog, table *catalog.Relation, node any) []FiredTrigger {
	var out []FiredTrigger
	for _, w := range ListWritten(c, table, ReadWrite(node)) {
		for _, t := range w.Triggers {
			if events := w.FiringEvents(t); len(events) > 0 {
				if fn := findTriggerFunction(c, t); fn != nil {
					out = append(out, FiredTrigger{w.Relation, t, fn, events, w.Direct})
				}
			}
		}
	}
	return out
}

// RowFunction returns the function of a trigger that sees rows as NEW and OLD, and whose
// body can be read; nil if there is none or the trigger is disabled.
func RowFunction(c *catalog.Catalog, t *catalog.Trigger) *catalog.Function {
	if !t.Row {
		return nil
	}
	return TriggerFunction(c, t)
}

// TriggerFunction returns the function of an enabled trigger that is no clone; nil if its body cannot be read.
func TriggerFunction(c *catalog.Catalog, t *catalog.Trigger) *catalog.Function {
	if !t.Enabled || t.Parent {
		return nil
	}
	return findTriggerFunction(c, t)
}

func findTriggerFunction(c *catalog.Catalog, t *catalog.Trigger) *catalog.Function {
	for _, fn := range c.Functions(t.Function.Schema, t.Function.Name) {
		if len(fn.Args) == 0 && fn.Language == "plpgsql" && fn.Body != "" {
			return fn
		}
	}
	return nil
}
