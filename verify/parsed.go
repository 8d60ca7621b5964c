package verify

import (
	"errors"
	"fmt"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
)

// take takes the queries of both codes: those that were recorded, or else those that stand
// in the code. fresh is nil where nothing is known of the new code.
func (c *checker) take(stage *rehearse.Stage, cfg *Config) (old, fresh *onward.Verified, err error) {
	if old, err = c.of(stage, onward.OldCode, cfg.Old); err != nil {
		return nil, nil, err
	}
	if fresh, err = c.of(stage, onward.NewCode, cfg.New); err != nil {
		return nil, nil, err
	}
	if fresh.Parsed != nil && fresh.Queries == 0 {
		fresh = nil
	}
	if old.Queries == 0 && old.Parsed != nil && fresh == nil {
		return nil, nil, &config.InputError{Err: errors.New("there is nothing to verify: no query was found in the code at " + old.Parsed.Revision + "; record what it sends with onward record, and name the recording with --workload")}
	}
	return old, fresh, nil
}

// of takes the queries of one code.
func (c *checker) of(stage *rehearse.Stage, code onward.Code, given []*Workload) (*onward.Verified, error) {
	var parsed *onward.Parsed
	if len(given) == 0 {
		load, told, err := stage.Release().Parsed(code)
		if err != nil {
			return nil, fmt.Errorf("read the queries of the code: %w", err)
		}
		given, parsed = []*Workload{load}, told
	}
	list, count := queries(code, given)
	count.Parsed = parsed
	c.queries = append(c.queries, list...)
	return count, nil
}

// foreign reports whether a query that was read from the new code fits neither the base nor
// the end of the release: it may be another database's, or half of it was understood.
func (q *recorded) foreign() bool {
	return q.states[0].refused != nil && q.states[len(q.states)-1].refused != nil
}

// standing reports whether a verdict is none of the release's: what it says holds from the
// base to the end.
func standing(v onward.Verdict) bool { return v.Point == 0 && v.Until == nil }
