package prove

import (
	"fmt"
	"sort"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgserver/observe"
	"github.com/onward-sql/onward/onward"
)

// Compare lists where a model's result and an observation differ. alternativeCode is another
// SQLSTATE that the server may refuse with; "*" is any. Locks below
// SHARE UPDATE EXCLUSIVE on indexes are left out: every plan takes them on all
// indexes of a table.
func Compare(got effect.Result, seen *observe.Observation, alternativeCode string) []string {
	var bad []string
	if (got.Refused != nil) != (seen.Refused != "") {
		return []string{fmt.Sprintf("refused: model %q, server %q", got.Refused.Message(), seen.Refused)}
	}
	if no := got.Refused; no != nil {
		// XX000 is what a server says that has no SQLSTATE for it.
		if no.SQLSTATE != seen.Code && alternativeCode != seen.Code && alternativeCode != "*" && seen.Code != "XX000" {
			return []string{fmt.Sprintf("refused: model %s %q, server %s %q", no.SQLSTATE, no.Message(), seen.Code, seen.Refused)}
		}
		return nil
	}
	if got.Unmodelled != "" {
		bad = append(bad, "unmodelled: "+got.Unmodelled)
	}
	model := toObservedEffects(got)
	names := map[string]bool{}
	for n := range model {
		names[n] = true
	}
	for n := range seen.Relations {
		names[n] = true
	}
	for n := range names {
		m, s := model[n], seen.Relations[n]
		index := m.Kind == "i" || s.Kind == "i" || s.Kind == "I"
		m.Kind, s.Kind, s.BuildsIndex = "", "", false
		if index {
			m.Lock, s.Lock = observe.OnIndex(m.Lock), observe.OnIndex(s.Lock)
		}
		if m.Lock == onward.NoLock && s.Lock == onward.AccessShareLock {
			s.Lock = onward.NoLock // read in passing
		}
		if seen.Alone {
			m.Scans = false
			if bounded := index || seen.Relations[n].Kind == "m" || model[n].Kind == "m"; bounded && m.Lock > s.Lock {
				m.Lock = s.Lock
			}
		}
		if m.Created && s.Created {
			m, s = observe.ObservedEffect{}, observe.ObservedEffect{} // a new relation is nobody's yet
		}
		if m != s {
			bad = append(bad, fmt.Sprintf("%s: model %q, server %q", n, m, s))
		}
	}
	sort.Strings(bad)
	return bad
}

// toObservedEffects is a model's result as an observation would have it.
func toObservedEffects(got effect.Result) map[string]observe.ObservedEffect {
	model := map[string]observe.ObservedEffect{}
	for i := range got.Effects {
		e := &got.Effects[i]
		s := observe.ObservedEffect{
			Lock: e.Lock, Rewrites: e.Rewrites, RebuildsIndex: e.RebuildsIndex, Scans: e.Scans,
			Created: e.Created, Dropped: e.Dropped,
		}
		if e.Kind == catalog.Index || e.Kind == catalog.PartitionedIndex {
			s.Kind = "i"
		} else if e.Kind == catalog.MaterializedView {
			s.Kind = "m"
		}
		name := e.Name.Qualified()
		model[name] = s
	}
	return model
}
