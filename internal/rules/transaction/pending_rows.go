package transaction

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
)

// recordWrite takes note of the checks that a write leaves.
func (q *checks) recordWrite(s *rule.Stmt, w *analysis.Write) {
	t := w.Table
	if t.OID == 0 {
		return
	}
	sure := w.Verb == "INSERT" && alwaysInsertsRow(w.Node.(*pgparse.InsertStmt)) && !s.IsOptional() && len(t.Rules) == 0 && !mayWithholdRows(t) &&
		(s.Before.Complete || s.Before.Unmodelled == nil)
	q.recordRows(s.Before, t, writtenRows{verb: w.Verb, set: mapAssignments(w), sure: sure, by: writer{statement: s}})
}

// recordPrograms takes note of the checks that the migration's programs leave before a statement.
func (q *checks) recordPrograms(s *rule.Stmt, programs []script.Change) (rest []script.Change) {
	for len(programs) > 0 && programs[0].Parts <= s.Part() {
		c := &programs[0]
		if t := s.Before.LookupMapped(c.Table); t != nil {
			set := assignments{}
			for _, name := range c.Columns {
				set[name] = true
			}
			q.recordRows(s.Before, t, writtenRows{verb: c.Verb, set: set, by: writer{program: c}})
		}
		programs = programs[1:]
	}
	return programs
}

// writtenRows are rows that a statement or a program writes.
type writtenRows struct {
	verb string
	set  assignments
	sure bool
	by   writer
}

func (q *checks) recordRows(before *catalog.Catalog, t *catalog.Relation, w writtenRows) {
	if !t.Kind.IsTable() || q.off[t.OID] {
		return
	}
	add := func(constraint, check string, sure bool) {
		q.list = append(slices.Clip(q.list), event{
			table: t.OID, name: t.Name, constraint: constraint, check: check, verb: w.verb, by: w.by, sure: sure,
			spread: t.Kind == catalog.PartitionedTable,
		})
	}
	set, sure := w.set, w.sure
	for _, c := range t.Constraints {
		if c.Kind == catalog.ForeignKey && c.Enforced && q.isDeferred(c.Name, c.Deferrable, c.InitiallyDeferred) &&
			(w.verb == "INSERT" || w.verb == "MERGE" || w.verb == "UPDATE" && set.touchesColumn(t, c.Columns)) {
			add(c.Name, "foreign key "+c.Name, sure)
		}
	}
	for _, x := range t.Triggers {
		if x.Enabled && q.isDeferred(x.Name, x.Deferrable, x.InitiallyDeferred) &&
			(strings.Contains(x.Events, strings.ToLower(w.verb)) && (w.verb != "UPDATE" || len(x.Columns) == 0 || set.namesColumn(t, x.Columns)) || w.verb == "MERGE") {
			add(x.Name, "constraint trigger "+x.Name, sure && x.When == nil)
		}
	}
	if w.verb != "UPDATE" && w.verb != "DELETE" && w.verb != "MERGE" {
		return
	}
	for _, oid := range t.ReferencedBy {
		from := before.Relation(oid)
		if from == nil {
			continue
		}
		for _, c := range from.Constraints {
			if c.Kind != catalog.ForeignKey || c.Ref != t.OID || !c.Enforced || !q.isDeferred(c.Name, c.Deferrable, c.InitiallyDeferred) {
				continue
			}
			if w.verb == "DELETE" && c.OnDelete == "" || w.verb == "UPDATE" && c.OnUpdate == "" && set.touchesColumn(t, c.RefColumns) {
				add(c.Name, "foreign key "+c.Name+" of "+from.Name.String(), false)
			}
		}
	}
}

// alwaysInsertsRow reports whether an INSERT writes at least one row whatever the tables
// hold: VALUES, or a SELECT of constants.
func alwaysInsertsRow(x *pgparse.InsertStmt) bool {
	if x.GetOnConflictClause() != nil {
		return false
	}
	if x.GetSelectStmt() == nil {
		return true // DEFAULT VALUES
	}
	q := x.GetSelectStmt().GetSelectStmt()
	if len(q.GetValuesLists()) > 0 {
		return q.GetLimitCount() == nil && q.GetLimitOffset() == nil
	}
	if q == nil || q.Larg != nil || len(q.FromClause) > 0 || q.WhereClause != nil || q.HavingClause != nil || q.LimitCount != nil || q.LimitOffset != nil {
		return false
	}
	return !slices.ContainsFunc(q.TargetList, func(n *pgparse.Node) bool {
		// A function may give a set, and that may be empty.
		return pgparse.Contains(n, func(*pgparse.FuncCall) bool { return true })
	})
}

// mayWithholdRows reports whether a trigger may keep a row from being inserted.
func mayWithholdRows(t *catalog.Relation) bool {
	return slices.ContainsFunc(t.Triggers, func(x *catalog.Trigger) bool {
		return x.Row && x.RunsBefore("insert")
	})
}

// assignments are the columns that an UPDATE sets; true for those that get
// another value than NULL or their own.
type assignments map[string]bool

func mapAssignments(w *analysis.Write) assignments {
	u, ok := w.Node.(*pgparse.UpdateStmt)
	if !ok {
		return nil
	}
	out := assignments{}
	for _, n := range u.GetTargetList() {
		r := n.GetResTarget()
		fields := r.GetVal().GetColumnRef().GetFields()
		out[r.GetName()] = !r.GetVal().GetAConst().GetIsnull() && (len(fields) != 1 || fields[0].GetString_().GetSval() != r.GetName())
	}
	return out
}

// touchesColumn reports whether one of the columns gets a value that is checked.
func (a assignments) touchesColumn(t *catalog.Relation, columns []int16) bool {
	return slices.ContainsFunc(columns, func(n int16) bool { c := t.Attr(n); return c != nil && a[c.Name] })
}

// namesColumn reports whether one of the columns is set at all.
func (a assignments) namesColumn(t *catalog.Relation, columns []int16) bool {
	return slices.ContainsFunc(columns, func(n int16) bool {
		c := t.Attr(n)
		if c == nil {
			return false
		}
		_, ok := a[c.Name]
		return ok
	})
}
