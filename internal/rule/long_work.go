package rule

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// LongWork returns the effect on an existing relation whose duration grows with the
// relation: it is rewritten, indexed or scanned completely, or its rows are written
// without a limit. Work under a strong lock of the statement itself is returned only if
// there is no other. It returns nil if there is none.
func (p *Pass) LongWork(s *Stmt) *effect.Effect {
	if s.Result.NoTransaction != "" && s.InBlock() {
		return nil // it fails
	}
	written := false
	var small *effect.Effect
	for _, w := range p.ListWrites(s) {
		written = true
		if w.IsBounded(s.Statement) {
			continue
		}
		if e := p.findCopiedTableEffect(s, &w); e != nil {
			return e
		}
		if e := findEffectOn(&s.Result, w.Table.Name); e != nil && p.mayTakeLong(e) {
			if p.explainSmall(e.Name) == "" {
				return e
			}
			small = cmp.Or(small, e)
		}
		if w.Verb == "INSERT" {
			// It is filled from what is not known to take long.
			if e := p.findHeavyEffect(s, func(e *effect.Effect) bool { return e.Scans || e.Rows }); e != nil {
				return e
			}
		}
	}
	if written || readsBounds(s) {
		return small
	}
	return p.findHeavyEffect(s, func(e *effect.Effect) bool { return e.HeaviestWork() != onward.NoWork })
}

// findCopiedTableEffect returns the effect on a table that INSERT … SELECT reads. Its time grows with that table, and not
// with the one that it fills. It returns nil if no such table is known to be more than small.
func (p *Pass) findCopiedTableEffect(s *Stmt, w *analysis.Write) *effect.Effect {
	if w.Verb != "INSERT" {
		return nil
	}
	e := p.findHeavyEffect(s, func(e *effect.Effect) bool { return (e.Scans || e.Rows) && e.Name != w.Table.Name })
	if e == nil || p.explainSmall(e.Name) != "" {
		return nil
	}
	return e
}

// findHeavyEffect finds the first effect of a kind, under a weak lock if possible. A relation that
// is probably small comes last.
func (p *Pass) findHeavyEffect(s *Stmt, want func(*effect.Effect) bool) *effect.Effect {
	var strong, small *effect.Effect
	for i := range s.Result.Effects {
		e := &s.Result.Effects[i]
		switch {
		case !want(e) || e.Instant || !p.mayTakeLong(e):
		case p.explainSmall(e.Name) != "":
			small = cmp.Or(small, e)
		case e.Lock < onward.ShareLock:
			return e
		default:
			strong = cmp.Or(strong, e)
		}
	}
	return cmp.Or(strong, small)
}

// mayTakeLong reports whether work on a relation may take long.
func (p *Pass) mayTakeLong(e *effect.Effect) bool {
	switch e.Kind {
	case catalog.Index, catalog.PartitionedIndex, catalog.Sequence, catalog.View:
		return false
	}
	return p.IsExisting(e) && !p.IsTiny(e.Name) && e.Name.Schema != "pg_catalog" && e.Name.Schema != "information_schema"
}

func findEffectOn(r *effect.Result, name catalog.Name) *effect.Effect {
	for i := range r.Effects {
		if r.Effects[i].Name == name {
			return &r.Effects[i]
		}
	}
	return nil
}

// readsBounds reports whether a query reads only the ends of an index, as in SELECT
// setval(…, max(id)) FROM t.
func readsBounds(s *Stmt) bool {
	q := s.Node.GetSelectStmt()
	if q == nil {
		return false
	}
	if len(q.FromClause) == 0 && q.Larg == nil {
		return true // a function call, or EXISTS, which ends at the first row
	}
	found := false
	pgparse.Walk(q, func(msg any) bool {
		if f, ok := msg.(*pgparse.FuncCall); ok && len(f.Funcname) > 0 {
			switch pgparse.LastText(f.Funcname) {
			case "setval", "max", "min":
				found = true
			}
		}
		return true
	})
	return found
}

// LongUnderLock returns long work of a statement while earlier statements of its transaction
// hold locks that block others: the strongest, and tables that are locked against the same, at
// most so many; more counts the rest of these tables. work is nil if there are none. It leaves
// two cases to the rule about the work itself: the statement takes a strong lock on the same
// relation, or on a table below a view that is held.
func (p *Pass) LongUnderLock(s *Stmt, most int) (locks []*Held, more int, work *effect.Effect) {
	if s.Held.strongest < onward.ShareLock && len(s.Beside) == 0 {
		return nil, 0, nil
	}
	if work = p.LongWork(s); work == nil {
		return nil, 0, nil
	}
	isOwn := func(h *Held) bool { return analysis.SameRelation(&h.Effect, work) && work.Lock >= onward.ShareLock }
	for h := range s.visitBlockingLocks() {
		switch {
		case isOwn(h) || s.blocksViewReaders(h):
		case locks == nil || h.Kind.IsTable() && h.Lock.BlocksReads() == locks[0].Lock.BlocksReads():
			locks = append(locks, h)
		}
		if len(locks) == most || len(locks) > 0 && !locks[0].Kind.IsTable() {
			break
		}
	}
	if locks == nil {
		return nil, 0, nil
	}
	if len(locks) == most && locks[0].Kind.IsTable() {
		more = s.Tx.indexLocks().timesOf(locks[0].Lock).countLocks(s.Held.now) - len(locks)
		for h := range s.visitLocksOn(work) {
			if isOwn(h) && h.Kind.IsTable() && h.Lock >= onward.ShareLock && h.Lock.BlocksReads() == locks[0].Lock.BlocksReads() && s.Tx.isFelt(&h.Effect) {
				more--
			}
		}
	}
	return locks, more, work
}

// blocksViewReaders reports whether the held relation is a view over a table that the statement
// itself locks against reads. Readers of the view wait for that table.
func (s *Stmt) blocksViewReaders(h *Held) bool {
	if h.Kind != catalog.View {
		return false
	}
	v := h.By.Before.Relation(h.OID)
	return v != nil && v.View != nil && slices.ContainsFunc(s.Result.Effects, func(e effect.Effect) bool {
		return e.Lock == onward.AccessExclusiveLock && slices.Contains(v.View.Reads, e.OID)
	})
}

// HeldFor returns the strongest lock that blocks others and is held after a statement,
// while a program works on the rows of a table. ok is false if there is none, or if the
// table is new, small or unknown.
func (p *Pass) HeldFor(s *Stmt, table string) (lock Held, name catalog.Name, ok bool) {
	r := p.MappedTable(table)
	if r == nil || !p.mayTakeLong(&effect.Effect{OID: r.OID, Name: r.Name, Kind: r.Kind}) {
		return lock, name, false
	}
	for h := range s.visitBlockingLocks() {
		if p.IsExisting(&h.Effect) {
			lock, ok = *h, true
			break
		}
	}
	for _, e := range s.Result.Effects {
		if e.Lock >= onward.ShareLock && analysis.IsBlocking(&e) && p.IsExisting(&e) && (!ok || e.Lock > lock.Lock) {
			lock, ok = Held{e, s}, true
		}
	}
	return lock, r.Name, ok
}

// MappedTable returns the table for a name as an ORM writes it, at this point; nil for none.
func (p *Pass) MappedTable(name string) *catalog.Relation { return p.current.LookupMapped(name) }

// FindBlocked finds the first existing relation on which a statement does long work under a
// lock that blocks reads or writes. work selects the kinds of work. It returns nil if
// there is none, or if the configuration says that the relations are small. A relation
// that is probably small comes last.
func (p *Pass) FindBlocked(r *effect.Result, work func(*effect.Effect) bool) *effect.Effect {
	var small *effect.Effect
	for i := range r.Effects {
		e := &r.Effects[i]
		if e.Lock < onward.ShareLock || e.Instant || e.Kind == catalog.Index || e.Kind == catalog.PartitionedIndex || e.Kind == catalog.Sequence {
			continue
		}
		if work(e) && p.IsExisting(e) && !p.IsTiny(e.Name) {
			if p.explainSmall(e.Name) == "" {
				return e
			}
			small = cmp.Or(small, e)
		}
	}
	if e := p.unlistedEffect(r); e != nil && work(e) {
		return e
	}
	return small
}

// StrongestLock returns the effect with the strongest lock that the transaction holds on the
// relation, since waiting sessions feel that lock. Another subcommand may have taken it.
// If an earlier statement took it, since says so, as the end of a sentence.
func (s *Stmt) StrongestLock(e *effect.Effect) (stronger *effect.Effect, since string) {
	if e.Lock.BlocksReads() {
		return e, ""
	}
	strongest := *e
	if h := s.FindHeldLock(e, func(h *Held) bool { return h.Lock.BlocksReads() }); h != nil {
		strongest.Lock = h.Lock
		return &strongest, ": " + e.Name.String() + " is locked against reads and writes since " + h.By.RelativePlace(s)
	}
	for i := range s.Result.Effects {
		if other := &s.Result.Effects[i]; other.Lock > strongest.Lock && analysis.SameRelation(other, e) {
			strongest.Lock = other.Lock
		}
	}
	return &strongest, ""
}

// explainSmall returns why a deployed table is probably small; "" if it may be large.
func (p *Pass) explainSmall(name catalog.Name) string {
	if p.config.ProbablySmall == nil || name.Name == "" {
		return ""
	}
	r := p.current.Lookup(name.Schema, name.Name)
	if r == nil || r.OID == 0 {
		return ""
	}
	return p.config.ProbablySmall(r.OID)
}

// lowerIfSmall makes an error about time a warning if the table is probably small,
// and a warning about the rows that a condition finds a note.
func (p *Pass) lowerIfSmall(f *onward.Finding, table catalog.Name) {
	lower := onward.Warning
	switch {
	case f.Severity == onward.Error && (f.Category == onward.Locking || f.Category == onward.InTransaction || f.Category == onward.Data):
	case f.Severity == onward.Warning && f.Category == onward.Data:
		lower = onward.Info
	default:
		return
	}
	reason := p.explainSmall(table)
	if reason == "" {
		return
	}
	f.Severity, f.ProbablySmall, f.SafeIf = lower, reason, table.String()+" is small"
	f.Harm += fmt.Sprintf("; %s is probably small: %s (say so in small_tables, or give --stats)", table, reason)
}
