package view

import (
	"slices"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

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
