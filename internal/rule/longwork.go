package rule

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// LongWork is the existing relation on which a statement works for as long as it
// is big: one that is rewritten, indexed or scanned in full, or whose rows are
// written without a bound. Work under the statement's own strong lock comes
// last. It gives nil when there is none.
func (p *Pass) LongWork(s *Stmt) *effect.Effect {
	if s.Result.NoTransaction != "" && s.InBlock() {
		return nil // it fails
	}
	written := false
	for _, w := range p.Writes(s) {
		written = true
		if w.Bounded(s.Statement) {
			continue
		}
		if e := effectOn(&s.Result, w.Table.Name); e != nil && p.counts(e) {
			return e
		}
		if w.Verb == "INSERT" {
			// Into a new table: what is read to fill it.
			if e := p.heavy(s, func(e *effect.Effect) bool { return e.Scans || e.Rows }); e != nil {
				return e
			}
		}
	}
	if written || readsBounds(s) {
		return nil
	}
	return p.heavy(s, func(e *effect.Effect) bool { return e.Work() != onward.NoWork })
}

// heavy finds the first effect of a kind, those under a weak lock before
// those under a strong one.
func (p *Pass) heavy(s *Stmt, want func(*effect.Effect) bool) *effect.Effect {
	var strong *effect.Effect
	for i := range s.Result.Effects {
		e := &s.Result.Effects[i]
		if !want(e) || e.Instant || !p.counts(e) {
			continue
		}
		if e.Lock < onward.ShareLock {
			return e
		}
		if strong == nil {
			strong = e
		}
	}
	return strong
}

// counts reports whether work on a relation may take long.
func (p *Pass) counts(e *effect.Effect) bool {
	switch e.Kind {
	case catalog.Index, catalog.PartitionedIndex, catalog.Sequence, catalog.View:
		return false
	}
	return p.Existing(e) && !p.Tiny(e.Name) && e.Name.Schema != "pg_catalog" && e.Name.Schema != "information_schema"
}

func effectOn(r *effect.Result, name catalog.Name) *effect.Effect {
	for i := range r.Effects {
		if r.Effects[i].Name == name {
			return &r.Effects[i]
		}
	}
	return nil
}

// readsBounds reports whether a query reads little of what it names: the ends
// of an index, as in SELECT setval(…, max(id)) FROM t.
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
			switch pgparse.Last(f.Funcname) {
			case "setval", "max", "min":
				found = true
			}
		}
		return true
	})
	return found
}

// LongUnderLock is long work of a statement while an earlier statement of its
// transaction holds a lock that blocks others; ok is false when there is none.
// Work that the statement does under a strong lock of its own on the very
// relation, or on what a view reads that is held, is left to the rule about that work.
func (p *Pass) LongUnderLock(s *Stmt) (held Held, work *effect.Effect, ok bool) {
	if s.Held.none() {
		return held, nil, false
	}
	if work = p.LongWork(s); work == nil {
		return held, nil, false
	}
	if s.Held.strongest < onward.ShareLock {
		return held, work, false
	}
	for h := range s.Held.All() {
		if h.Lock < onward.ShareLock || ok && h.Lock <= held.Lock || !analysis.Blocking(&h.Effect) && !s.comesBack(h) || analysis.Same(&h.Effect, work) && work.Lock >= onward.ShareLock || s.shuts(h) {
			continue
		}
		held, ok = *h, true
		if h.Lock == s.Held.strongest {
			break
		}
	}
	return held, work, ok
}

// comesBack reports whether a relation that the transaction dropped has its name
// again at commit: who reads it waits for the new one, as long as it takes.
func (s *Stmt) comesBack(h *Held) bool {
	return h.Dropped && !h.Unsure && (h.Kind.IsTable() || h.Kind == catalog.View || h.Kind == catalog.MaterializedView) &&
		!s.Tx.RolledBack && s.Tx.After.Lookup(h.Name.Schema, h.Name.Name) != nil
}

// shuts reports whether what is held is a view over a table that the statement
// itself locks against reads: who reads the view waits for that table.
func (s *Stmt) shuts(h *Held) bool {
	if h.Kind != catalog.View {
		return false
	}
	v := h.By.Before.Relation(h.OID)
	return v != nil && v.View != nil && slices.ContainsFunc(s.Result.Effects, func(e effect.Effect) bool {
		return e.Lock == onward.AccessExclusiveLock && slices.Contains(v.View.Reads, e.OID)
	})
}

// HeldFor is the strongest lock that blocks others and is held behind a statement,
// while a program works on the rows of a table; ok is false when there is none, or
// the table is new, small or not known.
func (p *Pass) HeldFor(s *Stmt, table string) (held Held, name catalog.Name, ok bool) {
	r := p.Mapped(table)
	if r == nil || !p.counts(&effect.Effect{OID: r.OID, Name: r.Name, Kind: r.Kind}) {
		return held, name, false
	}
	consider := func(h *Held) {
		if h.Lock >= onward.ShareLock && analysis.Blocking(&h.Effect) && p.Existing(&h.Effect) && (!ok || h.Lock > held.Lock) {
			held, ok = *h, true
		}
	}
	for h := range s.Held.All() {
		consider(h)
	}
	for _, e := range s.Result.Effects {
		consider(&Held{e, s})
	}
	return held, r.Name, ok
}

// Mapped is the table of a name as a mapper writes it, at this point; nil for none.
func (p *Pass) Mapped(name string) *catalog.Relation {
	schema, base, qualified := strings.Cut(name, `"."`)
	if !qualified {
		schema, base = "", name
	}
	return p.current.Lookup(schema, base)
}

// Blocked finds the first existing relation that a statement works on, for as
// long as it is big, under a lock that blocks reads or writes. work says which
// work counts. It gives nil when there is none, or when the configuration says
// that the relations are small.
func (p *Pass) Blocked(r *effect.Result, work func(*effect.Effect) bool) *effect.Effect {
	for i := range r.Effects {
		e := &r.Effects[i]
		if e.Lock < onward.ShareLock || e.Instant || e.Kind == catalog.Index || e.Kind == catalog.PartitionedIndex || e.Kind == catalog.Sequence {
			continue
		}
		if work(e) && p.Existing(e) && !p.Small(e.Name) {
			return e
		}
	}
	if e := p.unlisted(r); e != nil && work(e) {
		return e
	}
	return nil
}

// Under is the effect as those feel it who wait: under the strongest lock that the
// transaction holds on the relation, be it that another subcommand takes it. Where
// an earlier statement took it, since tells, as the end of a sentence.
func (s *Stmt) Under(e *effect.Effect) (stronger *effect.Effect, since string) {
	if e.Lock.BlocksReads() {
		return e, ""
	}
	under := *e
	if h := s.Locked(e, func(h *Held) bool { return h.Lock.BlocksReads() }); h != nil {
		under.Lock = h.Lock
		return &under, ": " + e.Name.String() + " is locked against reads and writes since " + h.By.Lines(s)
	}
	for i := range s.Result.Effects {
		if own := &s.Result.Effects[i]; own.Lock > under.Lock && analysis.Same(own, e) {
			under.Lock = own.Lock
		}
	}
	return &under, ""
}
