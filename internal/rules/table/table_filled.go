package table

import (
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
	reads    []seen
	still    rule.Locks
	followed []catalog.OID
	hidden   bool
	// columns are those that it gives values; nil for all.
	columns []string
}

// fillings keeps what a statement writes to new tables, and what is hidden.
func fillings(p *rule.Pass, s *rule.Stmt) {
	hidden := s.Opaque != "" || s.Node == nil || s.Node.GetCallStmt() != nil || s.Node.GetSelectStmt() != nil
	to := filled(p, s)
	if len(to) == 0 && !hidden {
		return
	}
	f := filling{by: s, hidden: hidden, still: s.Held}
	for i := range s.Result.Effects {
		e := &s.Result.Effects[i]
		if e.Kind.IsTable() {
			f.reads = append(f.reads, seen{e.OID, e.Name})
			if e.OID != 0 && followed(s.Before.Relation(e.OID)) {
				f.followed = append(f.followed, e.OID)
			}
		}
	}
	if hidden {
		p.Keep(f)
	}
	for _, oid := range to {
		f.table, f.columns = oid, given(p, s, oid)
		p.Keep(f)
	}
}

// filled are the new tables that a statement may write rows to.
func filled(p *rule.Pass, s *rule.Stmt) []catalog.OID {
	var out []catalog.OID
	add := func(oid catalog.OID) {
		if oid != 0 && p.New(oid) {
			out = append(out, oid)
		}
	}
	for _, w := range p.Writes(s) {
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

// seen is a table in a statement; one that nothing had named before has no
// number there yet.
type seen struct {
	oid  catalog.OID
	name catalog.Name
}

func on(list []seen, r *catalog.Relation) bool {
	return slices.ContainsFunc(list, func(e seen) bool { return e.oid == r.OID || e.oid == 0 && e.name == r.Name })
}

// shut reports whether one of the locks keeps others from writing to a table.
func shut(locks rule.Locks, r *catalog.Relation) bool {
	for h := range locks.All() {
		if h.Lock >= onward.ShareLock && (h.OID == r.OID || h.OID == 0 && h.Name == r.Name) {
			return true
		}
	}
	return false
}

// followed reports whether a trigger may carry writes over to the new table.
func followed(r *catalog.Relation) bool {
	return r != nil && slices.ContainsFunc(r.Triggers, func(t *catalog.Trigger) bool { return t.Enabled && t.Row })
}
