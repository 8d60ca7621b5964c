package rule

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/onward"
)

// Blocked finds the first relation in use that a statement works on, for as
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
	return nil
}

// Rewrites, RebuildsIndex, BuildsIndex and Scans are the kinds of work that
// Blocked can look for. Rewrites reports whether the relation is written anew.
func Rewrites(e *effect.Effect) bool { return e.Rewrites }

// RebuildsIndex reports whether an index of the relation is made anew, but not
// the relation itself.
func RebuildsIndex(e *effect.Effect) bool { return e.RebuildsIndex && !e.Rewrites }

// BuildsIndex reports whether the relation gets a new index.
func BuildsIndex(e *effect.Effect) bool { return e.BuildsIndex }

// Scans reports whether the relation is read whole and nothing heavier is
// done to it.
func Scans(e *effect.Effect) bool {
	return e.Scans && !e.Rewrites && !e.RebuildsIndex && !e.BuildsIndex
}

// Waiting says who has to wait for the lock of an effect: "every query on t".
func Waiting(e *effect.Effect) string {
	if e.Lock.BlocksReads() {
		return "every query on " + e.Name.String()
	}
	return "every INSERT, UPDATE and DELETE on " + e.Name.String()
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
		if own := &s.Result.Effects[i]; own.Lock > under.Lock && same(own, e) {
			under.Lock = own.Lock
		}
	}
	return &under, ""
}

// Queue says who has to wait for a strong lock that is held for a moment: those
// who come while the statement waits for it.
func Queue(e *effect.Effect) string {
	return "it waits for the queries that are running, and " + Waiting(e) + " that comes later waits behind it"
}

// Unsure is the severity of a finding that rests on an assumption: a warning.
// It is Off, which keeps the rule's own severity, for what is certain.
func Unsure(e *effect.Effect) onward.Severity {
	if e.Unsure {
		return onward.Warning
	}
	return onward.Off
}
