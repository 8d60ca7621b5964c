package verify

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
)

// takeQueries takes the queries of both codes: the recorded ones, or else the ones written in the code. fresh is
// nil if nothing is known of the new code.
func (c *checker) takeQueries(stage *rehearse.Stage, cfg *Config) (old, fresh *onward.Verified, err error) {
	if old, err = c.takeCode(stage, onward.OldCode, cfg.Old); err != nil {
		return nil, nil, err
	}
	if fresh, err = c.takeCode(stage, onward.NewCode, cfg.New); err != nil {
		return nil, nil, err
	}
	for _, count := range []*onward.Verified{old, fresh} {
		if count.Parsed == nil && count.Queries == 0 {
			return nil, nil, &config.InputError{Err: errors.New("a recording has no query of the code, so it proves nothing: " +
				"record a command that sends queries, or leave out its --workload or --workload-head")}
		}
	}
	if fresh.Parsed != nil && fresh.Queries == 0 {
		fresh = nil
	}
	if old.Queries == 0 && old.Parsed != nil && fresh == nil {
		return nil, nil, &config.InputError{Err: errors.New("there is nothing to verify: no query was found in the code at " + old.Parsed.Revision +
			"; record what it sends with onward record, and name the recording with --workload")}
	}
	return old, fresh, nil
}

// takeCode takes the queries of one code.
func (c *checker) takeCode(stage *rehearse.Stage, code onward.Code, given []*Workload) (*onward.Verified, error) {
	var parsed *onward.Parsed
	if len(given) == 0 {
		load, told, err := stage.Release().Parsed(code)
		if err != nil {
			return nil, fmt.Errorf("read the queries of the code: %w", err)
		}
		given, parsed = []*Workload{load}, told
	}
	list, count := codeQueries(code, given)
	count.Parsed = parsed
	c.addFolds(given)
	c.queries = append(c.queries, list...)
	return count, nil
}

// fitsNowhere reports whether a query that was read from the new code fits neither the base nor
// the end of the release: it may be another database's, or half of it was understood.
func (q *recordedQuery) fitsNowhere() bool {
	return q.states[0].refused != nil && q.states[len(q.states)-1].refused != nil
}

// isNewFailure reports whether a query that works at no point of the release is one that the release's code adds to this database: its
// tables exist, and the server misses a column of them, or a unique index for ON CONFLICT. A file that also asks for tables which no
// point has works on another database.
func (c *checker) isNewFailure(q *recordedQuery) bool {
	if c.deployed[q.textKey()] != nil {
		return false
	}
	for i := range q.states {
		if s := &q.states[i]; s.refused == nil || s.refused.Code != pgerror.ColumnMissing.SQLSTATE && s.refused.Code != pgerror.ConflictNoArbiter.SQLSTATE {
			return false
		}
	}
	return !slices.ContainsFunc(c.queries, func(other *recordedQuery) bool {
		return len(other.states) > 0 && other.fitsNowhere() && other.states[0].refused.Code == pgerror.RelationMissing.SQLSTATE && sharesFile(q, other)
	})
}

// sharesFile reports whether one file has two queries.
func sharesFile(a, b *recordedQuery) bool {
	file := func(s workload.Sender) string { name, _, _ := strings.Cut(s.Place, ":"); return name }
	return slices.ContainsFunc(a.Senders, func(x workload.Sender) bool {
		return slices.ContainsFunc(b.Senders, func(y workload.Sender) bool { return file(x) == file(y) })
	})
}

// isPreexisting reports whether a verdict is none of the release's: what it says holds from the
// base to the end.
func isPreexisting(v onward.Verdict) bool { return v.Point == 0 && v.Until == nil }
