package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

// NameRelation returns the relation of an effect, and says so if the release creates it.
func NameRelation(e *onward.Effect) string {
	name := ShortenRelation(e.Relation)
	if e.New {
		name += " (new)"
	}
	return name
}

// DescribeWaiters says who waits for a lock.
func DescribeWaiters(waiters []string) string {
	if len(waiters) == 0 {
		return "nobody"
	}
	words := make([]string, len(waiters))
	for i, w := range waiters {
		words[i] = w + "s"
	}
	return escape.Line(strings.Join(words, " and "))
}

// NameWaiters says who waits for a statement's effect on a relation: for its lock on the relation, or for its row locks.
func NameWaiters(e *onward.Effect) string {
	if len(e.Blocks) == 0 && e.RowLocks && !e.New {
		return "writers of the same rows"
	}
	words := DescribeWaiters(e.Blocks)
	if e.AtEnd {
		words += ", at its end"
	}
	return words
}

// NameWork names the work on a relation; "" for none.
func NameWork(e *onward.Effect) string {
	switch {
	case e.Emptied:
		return "emptied"
	case e.Work == onward.Scan && e.RowLocks:
		return "writes rows"
	}
	return doing[e.Work]
}

// ListNoticeable returns the effects that other sessions can notice.
func ListNoticeable(effects []onward.Effect) []onward.Effect {
	var out []onward.Effect
	for _, e := range effects {
		if !e.New {
			out = append(out, e)
		}
	}
	return out
}

// ListShown returns the effects that are shown: relations that the release creates block nobody.
func ListShown(effects []onward.Effect, verbose bool) []onward.Effect {
	if verbose {
		return effects
	}
	return ListNoticeable(effects)
}

// doing names work.
var doing = map[onward.Work]string{onward.Scan: "full scan", onward.IndexWork: "index build", onward.Rewrite: "rewrite"}

// DescribeWork names work; it returns a dash for none.
func DescribeWork(w onward.Work) string {
	if w == onward.NoWork {
		return "—"
	}
	return doing[w]
}

// DescribeDuration returns for how long an effect lasts.
func DescribeDuration(m *onward.Migration, index int, e *onward.Effect) string {
	s := &m.Statements[index]
	switch {
	case e.EstimateMS > 0 && !e.New:
		return NameWork(e) + ", " + FormatEstimate(e.EstimateMS)
	case e.Emptied, e.Work == onward.Rewrite:
		return NameWork(e)
	case e.Work != onward.NoWork:
		return NameWork(e) + ", grows"
	case s.Duration == "grows" && e.Lock <= onward.RowExclusiveLock:
		return "grows with the rows"
	case s.Duration == "waits":
		return "waits for transactions"
	}
	if s.Transaction != 0 && e.Lock.BlocksWrites() {
		for i := len(m.Statements) - 1; i > index; i-- {
			laterStatement := &m.Statements[i]
			if laterStatement.Transaction == s.Transaction && laterStatement.Duration != "instant" && laterStatement.Duration != "" {
				return fmt.Sprintf("held until :%d ends", laterStatement.Line)
			}
		}
	}
	if s.Duration == "grows" {
		return "for the whole statement"
	}
	return "instant"
}

// affectedRelations groups the relations that a statement affects in the same way.
type affectedRelations struct {
	rewritten, built, scanned []string
	emptied, written          []string
	closed, readOnly          []string // with reads and writes blocked; with only writes blocked
}

func newAffectedRelations(effects []onward.Effect) affectedRelations {
	var f affectedRelations
	for i := range effects {
		e := &effects[i]
		if e.New {
			continue
		}
		name := ShortenRelation(e.Relation)
		switch {
		case e.Emptied:
			f.emptied = append(f.emptied, name)
		case e.RowLocks && e.Work == onward.Scan:
			f.written = append(f.written, name)
		case e.Work == onward.Rewrite:
			f.rewritten = append(f.rewritten, name)
		case e.Work == onward.IndexWork:
			f.built = append(f.built, name)
		case e.Work == onward.Scan:
			f.scanned = append(f.scanned, name)
		}
		switch {
		case e.Lock.BlocksReads():
			f.closed = append(f.closed, name)
		case e.Lock.BlocksWrites():
			f.readOnly = append(f.readOnly, name)
		}
	}
	return f
}

// describeWork is "full scan of orders"; "" for none.
func (f affectedRelations) describeWork() string {
	return joinPhrases(joinPhrase("rewrite of ", f.rewritten, ""), joinPhrase("new, empty storage for ", f.emptied, ""),
		joinPhrase("index build on ", f.built, ""), joinPhrase("full scan of ", f.scanned, ""), joinPhrase("rows of ", f.written, " are written"))
}

// describeBlocked returns "writes to orders and users are blocked"; "" for nothing. If these are
// the relations of the work, it does not repeat their names.
func (f affectedRelations) describeBlocked() string {
	if slices.Equal(slices.Concat(f.rewritten, f.emptied, f.built, f.scanned), slices.Concat(f.closed, f.readOnly)) {
		switch {
		case len(f.readOnly) == 0 && len(f.closed) > 0:
			return "reads and writes are blocked"
		case len(f.closed) == 0 && len(f.readOnly) > 0:
			return "writes are blocked"
		}
	}
	return joinPhrases(joinPhrase("reads and writes on ", f.closed, " are blocked"), joinPhrase("writes to ", f.readOnly, " are blocked"))
}

// joinPhrase returns a phrase about names; "" if there are none.
func joinPhrase(before string, names []string, after string) string {
	if len(names) == 0 {
		return ""
	}
	return before + prose.JoinNames(names) + after
}

func joinPhrases(list ...string) string {
	return prose.JoinNames(slices.DeleteFunc(list, func(s string) bool { return s == "" }))
}

// DescribeEffects says in a sentence how other sessions are affected: "Full scan of orders
// while writes to orders and users are blocked."
func DescribeEffects(effects []onward.Effect, duration string) string {
	switch {
	case len(effects) == 0:
		return "No relation is locked."
	case len(ListNoticeable(effects)) == 0:
		return "Only what it makes itself is locked: nobody else uses that yet."
	}
	f := newAffectedRelations(effects)
	work, blocked := f.describeWork(), f.describeBlocked()
	switch {
	case work != "" && blocked != "":
		return CapitalizeFirst(work) + " while " + blocked + "."
	case work != "" && len(f.written) > 0:
		return CapitalizeFirst(work) + "; whoever writes one of them waits until the transaction ends, other reads and writes go on."
	case work != "":
		return CapitalizeFirst(work) + "; reads and writes go on."
	case blocked != "" && duration == "grows":
		return CapitalizeFirst(blocked) + " until the statement ends; the time grows with the rows."
	case blocked != "" && duration == "waits":
		return CapitalizeFirst(blocked) + " while the statement waits for other transactions."
	case blocked != "":
		return CapitalizeFirst(blocked) + " for an instant, and while the statement waits for its locks."
	case duration == "grows":
		return "Reads and writes go on; the time grows with the rows."
	}
	return "Reads and writes go on."
}

// ListWorkSizes returns the sizes of the relations with work.
func ListWorkSizes(effects []onward.Effect) []string {
	var out []string
	for i := range effects {
		if e := &effects[i]; e.EstimateMS > 0 && !e.New {
			out = append(out, ShortenRelation(e.Relation)+" has "+DescribeSize(e)+".")
		}
	}
	return out
}
