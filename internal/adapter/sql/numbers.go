package sql

import (
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
)

// runsAfter is what becomes of a late migration where nothing stops it.
const runsAfter = "runs it after the newer ones; new databases run it before"

// numbered notes the migrations of a directory that have one number: their order is an
// accident, or worse.
func (r *runner) numbered(set *adapter.Set) {
	for i, b := range set.Migrations {
		if i > 0 && b.Version != "" {
			r.duplicate(set, set.Migrations[i-1], b)
		}
	}
}

// duplicate notes two migrations of one number. A long number is a time, which
// several may share where the runner does not keep it for a key.
func (r *runner) duplicate(set *adapter.Set, a, b *adapter.Migration) {
	const long = 6
	if r.unnumbered || len(b.Version) > long && !r.unique || !slices.Equal(numbers(a.Version), numbers(b.Version)) {
		return
	}
	detail := "both have number " + b.Version + ": their order is that of the rest of their names"
	if r.twice != nil {
		detail = r.twice(b.Version)
	}
	set.History = append(set.History, history.Change{
		Kind: history.Duplicate, Migration: b.ID, Path: b.Path, Other: a.ID, Line: 1, Detail: detail,
	})
}

// refusal is of a file as a whole.
func refusal(message, harm, instead string) history.Refusal {
	return history.Refusal{Line: 1, Column: 1, Message: message, Harm: harm, Instead: instead}
}

func leadingDigits(name string) int {
	return strings.IndexFunc(name, func(r rune) bool { return r < '0' || r > '9' })
}

// number is the value of digits, -1 where they have none.
func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return -1
	}
	return n
}
