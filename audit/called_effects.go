package audit

import (
	"slices"

	"github.com/onward-sql/onward/onward"
)

// addCalledEffects adds the effects of a statement in a function to the statement that calls the
// function: for other sessions the call is one statement.
func addCalledEffects(caller *onward.Statement, s onward.Statement) {
	for _, e := range s.Effects {
		i := slices.IndexFunc(caller.Effects, func(o onward.Effect) bool { return o.Relation == e.Relation })
		if i < 0 {
			caller.Effects = append(caller.Effects, e)
			continue
		}
		o := &caller.Effects[i]
		if e.Lock > o.Lock {
			o.Lock, o.Blocks, o.AtEnd = e.Lock, e.Blocks, e.AtEnd
		}
		o.Work, o.New, o.EstimateMS = max(o.Work, e.Work), o.New && e.New, o.EstimateMS+e.EstimateMS
		o.Rows, o.Bytes = max(o.Rows, e.Rows), max(o.Bytes, e.Bytes)
	}
	order := []string{"", "instant", "grows", "waits"}
	if slices.Index(order, s.Duration) > slices.Index(order, caller.Duration) {
		caller.Duration = s.Duration
	}
	if caller.Note == "" {
		caller.Note = s.Note
	}
}
