package transaction

import (
	"maps"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// event is a check that waits for the end of the transaction.
type event struct {
	table catalog.OID
	name  catalog.Name
	// constraint is what SET CONSTRAINTS calls the check; check is that for
	// people: "foreign key c_p".
	constraint, check string
	verb              string
	by                *rule.Stmt
	// sure: the statement surely wrote a row, whatever the tables hold.
	sure bool
	// spread: the row went to some partition of the table.
	spread bool
}

// pending are the checks of a transaction, and those at its savepoints.
type pending struct {
	checks
	saved analysis.Savepoints[checks]
}

// checks are those that a transaction has yet to run, and which of them SET
// CONSTRAINTS has said to defer.
type checks struct {
	list []event
	// all and named are what SET CONSTRAINTS said: true is DEFERRED.
	all   *bool
	named map[string]bool
	// off are the tables whose triggers are all disabled.
	off map[catalog.OID]bool
}

// statement takes note of what a statement leaves to be checked.
func (q *pending) statement(p *rule.Pass, s *rule.Stmt) {
	switch x := pgparse.Unwrap(s.Node).(type) {
	case *pgparse.ConstraintsSetStmt:
		q.set(x)
	case *pgparse.TransactionStmt:
		q.checks = q.saved.Follow(s.Node, q.checks)
	case *pgparse.AlterTableStmt:
		for _, n := range x.GetCmds() {
			switch n.GetAlterTableCmd().GetSubtype() {
			case pgparse.AlterTableType_AT_DisableTrigAll:
				q.disable(s.Altered().OID, true)
			case pgparse.AlterTableType_AT_EnableTrigAll:
				q.disable(s.Altered().OID, false)
			}
		}
	case *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt, *pgparse.SelectStmt:
		if s.Settings.ReplicaRole {
			return
		}
		for _, w := range p.Writes(s) {
			q.write(s, &w)
		}
	}
}

// set is SET CONSTRAINTS; IMMEDIATE runs what is pending.
func (q *checks) set(x *pgparse.ConstraintsSetStmt) {
	deferred := x.GetDeferred()
	if len(x.GetConstraints()) == 0 {
		q.all, q.named = &deferred, nil
		if !deferred {
			q.list = nil
		}
		return
	}
	q.named = maps.Clone(q.named)
	for _, n := range x.GetConstraints() {
		name := n.GetRangeVar().GetRelname()
		if q.named == nil {
			q.named = map[string]bool{}
		}
		q.named[name] = deferred
		if !deferred {
			q.list = slices.DeleteFunc(slices.Clone(q.list), func(e event) bool { return e.constraint == name })
		}
	}
}

func (q *checks) disable(table catalog.OID, off bool) {
	q.off = maps.Clone(q.off)
	if q.off == nil {
		q.off = map[catalog.OID]bool{}
	}
	q.off[table] = off
}

// deferred reports whether a check waits for the commit.
func (q *checks) deferred(name string, deferrable, initially bool) bool {
	if !deferrable && !initially {
		return false
	}
	if d, ok := q.named[name]; ok {
		return d
	}
	if q.all != nil {
		return *q.all
	}
	return initially
}

// write takes note of the checks that a write leaves.
func (q *checks) write(s *rule.Stmt, w *analysis.Write) {
	t := w.Table
	if t.OID == 0 || !t.Kind.IsTable() || q.off[t.OID] {
		return
	}
	sure := w.Verb == "INSERT" && oneRow(w.Node.(*pgparse.InsertStmt)) && !s.Optional() && len(t.Rules) == 0 && !withholds(t) &&
		(s.Before.Complete || s.Before.Unmodelled == nil)
	add := func(constraint, check string, sure bool) {
		q.list = append(slices.Clip(q.list), event{
			table: t.OID, name: t.Name, constraint: constraint, check: check, verb: w.Verb, by: s, sure: sure,
			spread: t.Kind == catalog.PartitionedTable,
		})
	}
	set := assigned(w)
	for _, c := range t.Constraints {
		if c.Kind == catalog.ForeignKey && c.Enforced && q.deferred(c.Name, c.Deferrable, c.InitiallyDeferred) &&
			(w.Verb == "INSERT" || w.Verb == "MERGE" || w.Verb == "UPDATE" && set.touches(t, c.Columns)) {
			add(c.Name, "foreign key "+c.Name, sure)
		}
	}
	for _, x := range t.Triggers {
		if x.Enabled && q.deferred(x.Name, x.Deferrable, x.InitiallyDeferred) &&
			(strings.Contains(x.Events, strings.ToLower(w.Verb)) && (w.Verb != "UPDATE" || len(x.Columns) == 0 || set.names(t, x.Columns)) || w.Verb == "MERGE") {
			add(x.Name, "constraint trigger "+x.Name, sure && x.When == nil)
		}
	}
	if w.Verb != "UPDATE" && w.Verb != "DELETE" && w.Verb != "MERGE" {
		return
	}
	for _, oid := range t.ReferencedBy {
		from := s.Before.Relation(oid)
		if from == nil {
			continue
		}
		for _, c := range from.Constraints {
			if c.Kind != catalog.ForeignKey || c.Ref != t.OID || !c.Enforced || !q.deferred(c.Name, c.Deferrable, c.InitiallyDeferred) {
				continue
			}
			if w.Verb == "DELETE" && c.OnDelete == "" || w.Verb == "UPDATE" && c.OnUpdate == "" && set.touches(t, c.RefColumns) {
				add(c.Name, "foreign key "+c.Name+" of "+from.Name.String(), false)
			}
		}
	}
}

// oneRow reports whether an INSERT writes at least one row whatever the tables
// hold: VALUES, or a SELECT of constants.
func oneRow(x *pgparse.InsertStmt) bool {
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
	sure := true
	for _, n := range q.TargetList {
		pgparse.Walk(n, func(msg any) bool {
			if _, ok := msg.(*pgparse.FuncCall); ok {
				sure = false // it may give a set, and that may be empty
			}
			return sure
		})
	}
	return sure
}

// withholds reports whether a trigger may keep a row from being inserted.
func withholds(t *catalog.Relation) bool {
	return slices.ContainsFunc(t.Triggers, func(x *catalog.Trigger) bool {
		return x.Row && x.Precedes("insert")
	})
}

// assignments are the columns that an UPDATE sets; true for those that get
// another value than NULL or their own.
type assignments map[string]bool

func assigned(w *analysis.Write) assignments {
	u, ok := w.Node.(*pgparse.UpdateStmt)
	if !ok {
		return nil
	}
	out := assignments{}
	for _, n := range u.GetTargetList() {
		r := n.GetResTarget()
		own := r.GetVal().GetColumnRef().GetFields()
		out[r.GetName()] = !r.GetVal().GetAConst().GetIsnull() && (len(own) != 1 || own[0].GetString_().GetSval() != r.GetName())
	}
	return out
}

// touches reports whether one of the columns gets a value that is checked.
func (a assignments) touches(t *catalog.Relation, columns []int16) bool {
	return slices.ContainsFunc(columns, func(n int16) bool { c := t.Attr(n); return c != nil && a[c.Name] })
}

// names reports whether one of the columns is set at all.
func (a assignments) names(t *catalog.Relation, columns []int16) bool {
	return slices.ContainsFunc(columns, func(n int16) bool {
		c := t.Attr(n)
		if c == nil {
			return false
		}
		_, ok := a[c.Name]
		return ok
	})
}

// best is the event that is surest to be there, of those that match.
func (q *checks) best(match func(*event) bool) *event {
	var found *event
	for i := range q.list {
		if e := &q.list[i]; match(e) && (found == nil || e.sure && !found.sure) {
			found = e
		}
	}
	return found
}

// of is an event on what an ALTER TABLE or CREATE INDEX names, or on a
// partition or child to which it goes on.
func (q *checks) of(s *rule.Stmt, tree bool) *event {
	var rv *pgparse.RangeVar
	index := s.Node.GetIndexStmt()
	if index != nil {
		rv = index.GetRelation()
	} else {
		rv = s.Node.GetAlterTableStmt().GetRelation()
	}
	target, known := s.Before.Resolve(rv)
	if !known {
		return nil
	}
	kids := false
	if tree {
		for i := range s.Result.Effects {
			kids = kids || s.Result.Effects[i].Lock >= onward.ShareUpdateExclusiveLock && below(s.Before, s.Result.Effects[i].OID, target.OID)
		}
	}
	return q.best(func(e *event) bool {
		if e.table == target.OID {
			return !e.spread || kids
		}
		if !kids || e.spread && index != nil {
			return false
		}
		at := slices.IndexFunc(s.Result.Effects, func(x effect.Effect) bool { return x.OID == e.table })
		return at >= 0 && s.Result.Effects[at].Lock >= onward.ShareUpdateExclusiveLock && below(s.Before, e.table, target.OID)
	})
}

// below reports whether a relation is a partition or child of another one, at
// any level.
func below(c *catalog.Catalog, oid, top catalog.OID) bool {
	for range 64 {
		r := c.Relation(oid)
		switch {
		case r == nil || oid == top:
			return false
		case r.Parent != 0:
			oid = r.Parent
		case len(r.Inherits) > 0:
			oid = r.Inherits[0]
		default:
			return false
		}
		if oid == top {
			return true
		}
	}
	return false
}

// referred is an event on the table that a dropped foreign key refers to.
func (q *checks) referred(s *rule.Stmt, x *pgparse.AlterTableStmt) *event {
	for _, n := range x.GetCmds() {
		cmd := n.GetAlterTableCmd()
		if cmd.GetSubtype() != pgparse.AlterTableType_AT_DropConstraint {
			continue
		}
		if c := s.Altered().Constraint(cmd.GetName()); c != nil && c.Kind == catalog.ForeignKey {
			if e := q.best(func(e *event) bool { return e.table == c.Ref && !e.spread }); e != nil {
				return e
			}
		}
	}
	return nil
}

// anywhere is an event on a table that the statement drops, or empties and
// sorts.
func (q *checks) anywhere(s *rule.Stmt, dropped bool) *event {
	return q.best(func(e *event) bool {
		return slices.ContainsFunc(s.Result.Effects, func(x effect.Effect) bool {
			return x.OID == e.table && x.Lock == onward.AccessExclusiveLock && (x.Dropped || !dropped)
		})
	})
}
