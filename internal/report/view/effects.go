package view

import (
	"fmt"
	"strings"

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
