package sql

import (
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
)

// runsAfter says how a late migration runs if nothing stops it.
const runsAfter = "runs it after the newer ones; new databases run it before"

// reportSharedNumbers reports migrations of a directory that share a number: their order is an
// accident, or worse.
func (r *runner) reportSharedNumbers(set *adapter.Set) {
	for i, b := range set.Migrations {
		if i > 0 && b.Version != "" {
			r.reportDuplicate(set, set.Migrations[i-1], b)
		}
	}
}

// reportDuplicate reports two migrations with one number. A long number is a time, which
// several migrations may share if the runner does not use it as a key.
func (r *runner) reportDuplicate(set *adapter.Set, a, b *adapter.Migration) {
	const long = 6
	if r.unnumbered || len(b.Version) > long && !r.unique || !slices.Equal(versionParts(a.Version), versionParts(b.Version)) {
		return
	}
	detail := "both have number " + b.Version + ": the rest of their names orders them"
	if r.twice != nil {
		detail = r.twice(b.Version)
	}
	set.History = append(set.History, history.Change{
		Kind: history.Duplicate, Migration: b.ID, Path: b.Path, Other: a.ID, Line: 1, Detail: detail,
	})
}

// newFileRefusal returns a refusal of a file as a whole.
func newFileRefusal(message, harm, instead string) history.Refusal {
	return history.Refusal{Line: 1, Column: 1, Message: message, Harm: harm, Instead: instead}
}

func countLeadingDigits(name string) int {
	return strings.IndexFunc(name, func(r rune) bool { return r < '0' || r > '9' })
}

// parseDigits returns the value of digits; -1 if they have none.
func parseDigits(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return -1
	}
	return n
}
