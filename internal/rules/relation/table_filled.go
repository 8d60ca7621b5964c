package relation

import (
	"fmt"
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// filling is a statement that writes rows to a table, and what it reads;
// still are the tables that nobody else can write to while it runs, followed
// those whose writes a trigger may carry over.
type filling struct {
	by       *rule.Stmt
	table    catalog.OID
	reads    []seenTable
	still    rule.Locks
	followed []catalog.OID
	hidden   bool
	// columns are those that it gives values; nil for all.
	columns []string
}

// seenFillings is what fillings has kept so far. A file may have a million statements, and nearly all add nothing:
// a second hidden one says no more than the first, nor does one that copies no rows and gives the same columns.
type seenFillings struct {
	hidden bool // the last one that was kept
	own    map[string]bool
}

// keepFilling keeps a filling, unless it adds nothing.
func (x *seenFillings) keepFilling(p *rule.Pass, f *filling) {
	if f.hidden {
		if !x.hidden {
			p.KeepValue(*f)
		}
		x.hidden = true
		return
	}
	if !slices.ContainsFunc(f.reads, func(e seenTable) bool { return e.oid != f.table }) {
		key := fmt.Sprint(f.table, f.columns == nil, f.columns)
		if x.own[key] {
			return
		}
		x.own[key] = true
	}
	p.KeepValue(*f)
	x.hidden = false
}

// keepFillings keeps what a statement writes to new tables, and what is hidden.
func keepFillings(p *rule.Pass, s *rule.Stmt) {
	hidden := s.Opaque != "" || s.Node == nil || s.Node.GetCallStmt() != nil || s.Node.GetSelectStmt() != nil
	to := listFilledTables(p, s)
	if len(to) == 0 && !hidden {
		return
	}
	f := filling{by: s, hidden: hidden, still: s.Held}
	for i := range s.Result.Effects {
		e := &s.Result.Effects[i]
		if e.Kind.IsTable() {
			f.reads = append(f.reads, seenTable{e.OID, e.Name})
			if e.OID != 0 && hasRowTrigger(s.Before.Relation(e.OID)) {
				f.followed = append(f.followed, e.OID)
			}
		}
	}
	seen := rule.BuildOnce(&p.Release.Notes, func() *seenFillings { return &seenFillings{own: map[string]bool{}} })
	if hidden {
		seen.keepFilling(p, &f)
		return
	}
	for _, oid := range to {
		f.table, f.columns = oid, listWrittenColumns(p, s, oid)
		seen.keepFilling(p, &f)
	}
}

// listFilledTables returns the new tables that a statement may write rows to.
func listFilledTables(p *rule.Pass, s *rule.Stmt) []catalog.OID {
	var out []catalog.OID
	add := func(oid catalog.OID) {
		if oid != 0 && p.IsNew(oid) {
			out = append(out, oid)
		}
	}
	for _, w := range p.ListWrites(s) {
		add(w.Table.OID)
	}
	if c := s.Node.GetCopyStmt(); c != nil && c.GetIsFrom() || s.Node.GetCreateTableAsStmt() != nil || s.Node.GetSelectStmt() != nil {
		for i := range s.Result.Effects {
			if e := &s.Result.Effects[i]; e.Kind.IsTable() {
				add(e.OID)
			}
		}
		for i := range s.Deltas {
			if d := &s.Deltas[i]; d.Kind == catalog.RelationCreated {
				add(d.After.OID)
			}
		}
	}
	return out
}

// seenTable is a table in a statement; one that nothing had named before has no
// number there yet.
type seenTable struct {
	oid  catalog.OID
	name catalog.Name
}

func containsTable(list []seenTable, r *catalog.Relation) bool {
	return slices.ContainsFunc(list, func(e seenTable) bool { return e.oid == r.OID || e.oid == 0 && e.name == r.Name })
}

// isWriteLocked reports whether one of the locks keeps others from writing to a table.
func isWriteLocked(locks rule.Locks, r *catalog.Relation) bool {
	for h := range locks.All() {
		if h.Lock >= onward.ShareLock && (h.OID == r.OID || h.OID == 0 && h.Name == r.Name) {
			return true
		}
	}
	return false
}

// hasRowTrigger reports whether a trigger may carry writes over to the new table.
func hasRowTrigger(r *catalog.Relation) bool {
	return r != nil && slices.ContainsFunc(r.Triggers, func(t *catalog.Trigger) bool { return t.Enabled && t.Row })
}
