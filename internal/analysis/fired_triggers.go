package analysis

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// maxWrittenPath limits how far views and foreign keys are followed from one written relation to the next.
const maxWrittenPath = 6

// WrittenRelation is a relation whose rows a statement writes.
type WrittenRelation struct {
	*catalog.Relation
	// Events are "insert", "update", "delete" and "truncate".
	Events []string
	// Direct: the statement's list of columns is about this relation, not about one that leads to it.
	Direct bool
}

// ListWritten lists the relations whose rows a write to r changes: r itself, the table of a view, the partitions and children,
// and the tables whose rows a foreign key changes along.
func ListWritten(c *catalog.Catalog, r *catalog.Relation, events []string) []WrittenRelation {
	l := writtenList{catalog: c}
	l.addRelation(WrittenRelation{r, events, true}, nil)
	return l.found
}

type writtenList struct {
	catalog *catalog.Catalog
	found   []WrittenRelation
}

// addRelation adds a relation, and those that follow from it; path are the relations that led to it.
func (l *writtenList) addRelation(w WrittenRelation, path []*catalog.Relation) {
	if w.Relation == nil || len(path) > maxWrittenPath || slices.Contains(path, w.Relation) {
		return
	}
	l.found = append(l.found, w)
	path = append(path[:len(path):len(path)], w.Relation)
	if w.View != nil && len(w.InsteadOf()) == 0 && l.catalog.IsUpdatable(w.Relation) {
		l.addRelation(WrittenRelation{l.catalog.BaseOfView(w.Relation), w.Events, false}, path)
	}
	for _, list := range [][]catalog.OID{w.Partitions, w.Children} {
		for _, oid := range list {
			l.addRelation(WrittenRelation{l.catalog.Relation(oid), w.Events, w.Direct}, path)
		}
	}
	for _, oid := range w.ReferencedBy {
		if other := l.catalog.Relation(oid); other != nil && other != w.Relation {
			l.addCascades(w, other, path)
		}
	}
}

// addCascades adds a table for each of its foreign keys that changes its rows along with the rows of w.
func (l *writtenList) addCascades(w WrittenRelation, other *catalog.Relation, path []*catalog.Relation) {
	for _, c := range other.Constraints {
		if c.Kind != catalog.ForeignKey || c.Ref != w.OID {
			continue
		}
		var events []string
		if slices.Contains(w.Events, "delete") {
			events = append(events, cascadedEvents[c.OnDelete]...)
		}
		if slices.Contains(w.Events, "update") && len(cascadedEvents[c.OnUpdate]) > 0 {
			events = append(events, "update")
		}
		if len(events) > 0 {
			l.addRelation(WrittenRelation{other, events, false}, path)
		}
	}
}

// cascadedEvents maps the action of a foreign key ON DELETE to the events that it causes.
var cascadedEvents = map[string][]string{"cascade": {"delete"}, "set null": {"update"}, "set default": {"update"}}

// WriteEvents lists the trigger events of an INSERT, UPDATE, DELETE or MERGE.
func WriteEvents(node any) []string {
	switch s := node.(type) {
	case *pgparse.InsertStmt:
		if s.GetOnConflictClause().GetAction() == pgparse.OnConflictAction_ONCONFLICT_UPDATE {
			return []string{"insert", "update"}
		}
		return []string{"insert"}
	case *pgparse.UpdateStmt:
		return []string{"update"}
	case *pgparse.DeleteStmt:
		return []string{"delete"}
	case *pgparse.MergeStmt:
		var out []string
		for _, n := range s.GetMergeWhenClauses() {
			switch n.GetMergeWhenClause().GetCommandType() {
			case pgparse.CmdType_CMD_INSERT:
				out = append(out, "insert")
			case pgparse.CmdType_CMD_UPDATE:
				out = append(out, "update")
			case pgparse.CmdType_CMD_DELETE:
				out = append(out, "delete")
			}
		}
		return out
	}
	return nil
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

// ListFired lists the triggers that a write fires, as far as their functions are known in SQL or PL/pgSQL.
func ListFired(c *catalog.Catalog, table *catalog.Relation, node any) []FiredTrigger {
	var out []FiredTrigger
	for _, w := range ListWritten(c, table, WriteEvents(node)) {
		// A view's own write is done by its INSTEAD OF triggers.
		for _, t := range w.Triggers {
			fn := TriggerFunction(c, t)
			events := slices.DeleteFunc(slices.Clone(w.Events), func(event string) bool {
				return !t.IsFor(event) || event == "update" && len(t.Columns) > 0 && !(w.Direct && writesColumn(w.Relation, node, t.Columns))
			})
			if fn == nil || len(events) == 0 || !t.Row && !w.Direct {
				continue
			}
			out = append(out, FiredTrigger{w.Relation, t, fn, events, w.Direct})
		}
	}
	return out
}

// writesColumn reports whether a write's SET list has one of the columns. MERGE and ON CONFLICT count as setting it.
func writesColumn(r *catalog.Relation, node any, columns []int16) bool {
	s, ok := node.(*pgparse.UpdateStmt)
	return !ok || slices.ContainsFunc(s.GetTargetList(), func(n *pgparse.Node) bool {
		c := r.Column(n.GetResTarget().GetName())
		return c != nil && slices.Contains(columns, c.Attnum)
	})
}
