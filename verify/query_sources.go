package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
)

// locateQueries adds to the recorded queries the files and lines of the code that contain them.
func (c *Config) locateQueries(release *audit.Release) error {
	for code, list := range map[onward.Code]*[]*Workload{onward.OldCode: &c.Old, onward.NewCode: &c.New} {
		located, err := release.LocateQueries(code, *list)
		if err != nil {
			return fmt.Errorf("find the recorded queries in the code: %w", err)
		}
		*list = located
	}
	return nil
}

// loadQueries takes the queries of all versions of the code: the recorded ones, or else the ones written in the code. The new code has
// no count if nothing is known of it.
func (c *checker) loadQueries(ctx context.Context, stage *rehearse.Stage, cfg *Config) error {
	for _, version := range []struct {
		code  onward.Code
		given []*Workload
	}{{onward.OldCode, cfg.Old}, {onward.NewCode, cfg.New}} {
		if err := c.loadCodeQueries(stage, version.code, version.given); err != nil {
			return err
		}
	}
	for i := range cfg.Also {
		if err := c.loadVersionQueries(ctx, stage, &cfg.Also[i]); err != nil {
			return err
		}
	}
	for _, count := range c.counts {
		if count.Parsed == nil && count.Queries == 0 {
			return &config.InputError{Err: errors.New("a recording has no query of the code, so it proves nothing: " +
				"record a command that sends queries, or leave out its --workload, --workload-head or --also")}
		}
	}
	old, fresh := c.counts[onward.OldCode], c.counts[onward.NewCode]
	if fresh.Parsed != nil && fresh.Queries == 0 {
		delete(c.counts, onward.NewCode)
	}
	if !slices.ContainsFunc(c.versions, func(code onward.Code) bool { return c.counts[code] != nil && c.counts[code].Queries > 0 }) {
		return &config.InputError{Err: errors.New("there is nothing to verify: no query was found in the code at " + old.Parsed.Revision +
			"; record what it sends with onward record, and name the recording with --workload")}
	}
	return nil
}

// loadCodeQueries takes the queries of the deployed or of the new code.
func (c *checker) loadCodeQueries(stage *rehearse.Stage, code onward.Code, workloads []*Workload) error {
	var parsed *onward.Parsed
	if len(workloads) == 0 {
		load, parseResult, err := stage.Release().Parsed(code)
		if err != nil {
			return fmt.Errorf("read the queries of the code: %w", err)
		}
		workloads, parsed = []*Workload{load}, parseResult
	}
	c.addVersion(code, workloads, parsed)
	return nil
}

// loadVersionQueries takes the queries of a further version of the code.
func (c *checker) loadVersionQueries(ctx context.Context, stage *rehearse.Stage, v *Version) error {
	name, workloads, parsed := v.Name, v.Recorded, (*onward.Parsed)(nil)
	if len(workloads) == 0 {
		load, parseResult, err := stage.Release().ParseRevision(ctx, v.Name)
		if err != nil {
			return fmt.Errorf("read the queries of the code at %s: %w", v.Name, err)
		}
		name, workloads, parsed = parseResult.Revision, []*Workload{load}, parseResult
	}
	if code := view.FurtherCode(name); c.counts[code] == nil {
		c.addVersion(code, workloads, parsed)
	}
	return nil
}

// addVersion adds the queries of a version of the code. parsed is nil if they were recorded.
func (c *checker) addVersion(code onward.Code, loads []*Workload, parsed *onward.Parsed) {
	list, count := collectCodeQueries(code, loads)
	count.Parsed = parsed
	c.addFolds(loads)
	c.queries = append(c.queries, list...)
	if c.counts == nil {
		c.counts = map[onward.Code]*onward.Verified{}
	}
	c.counts[code] = count
	c.versions = append(c.versions, code)
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
