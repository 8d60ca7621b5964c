package verify

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
)

// Steps are statements that run on a database one after the other; the queries are checked after each.
type Steps struct {
	// Stage has the database, whose name is Database; it is the base.
	Stage    *rehearse.Stage
	Database string
	// Old and New are what the two codes send; without any, what the code at base and
	// head says.
	Old, New []*Workload
	// Names are the steps'; Run runs one of them.
	Names []string
	Run   func(ctx context.Context, step int) error
}

// Verify returns the verdicts on the queries of both codes, and how many queries each has. Point 0 is the base,
// point 1 the first step. fresh is nil if no query of the new code is known; both are nil if no query of either
// is.
//
// Errors: Run's, and the server's.
func (s *Steps) Verify(ctx context.Context) (verdicts []onward.Verdict, old, fresh *onward.Verified, err error) {
	k := &checker{log: slog.New(slog.DiscardHandler)}
	if err = k.loadCodeQueries(s.Stage, onward.OldCode, s.Old); err != nil {
		return nil, nil, nil, err
	}
	if err = k.loadCodeQueries(s.Stage, onward.NewCode, s.New); err != nil {
		return nil, nil, nil, err
	}
	old, fresh = k.counts[onward.OldCode], k.counts[onward.NewCode]
	if old.Queries+fresh.Queries == 0 {
		return nil, nil, nil, s.runWithoutQueries(ctx)
	}
	places, err := s.checkQueriesAtSteps(ctx, k, s.Stage.Server(), rehearse.Point{Base: true, Database: s.Database, URL: s.Stage.URL(s.Database)})
	if err != nil {
		return nil, nil, nil, err
	}
	verdicts = k.judgeQueries(places)
	k.countQueriesWithVerdict(verdicts)
	if fresh.Queries == 0 {
		fresh = nil
	}
	return verdicts, old, fresh, nil
}

// checkQueriesAtSteps checks the queries at the base and after each step.
func (s *Steps) checkQueriesAtSteps(ctx context.Context, k *checker, server *pgserver.Server, p rehearse.Point) ([]onward.VerdictPlace, error) {
	conn, err := server.Connect(ctx, "", p.Database)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	p.Conn = conn
	if err := k.visitPoint(ctx, p); err != nil {
		return nil, err
	}
	places := []onward.VerdictPlace{{}}
	p.Base = false
	for i, name := range s.Names {
		if err := s.Run(ctx, i); err != nil {
			return nil, err
		}
		p.Migration, p.Path = i, name
		if err := k.visitPoint(ctx, p); err != nil {
			return nil, fmt.Errorf("behind step %s: %w", name, err)
		}
		places = append(places, onward.VerdictPlace{Migration: name, Path: name})
	}
	return places, nil
}

// runWithoutQueries runs the steps if there are no queries.
func (s *Steps) runWithoutQueries(ctx context.Context) error {
	for i := range s.Names {
		if err := s.Run(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// BreakingVerdictsAt are the verdicts on one code that surely break at a point.
func BreakingVerdictsAt(list []onward.Verdict, code onward.Code, point int) []onward.Verdict {
	var out []onward.Verdict
	for _, i := range cellAt(list, code, point).Verdicts {
		if list[i].Severity == onward.Error {
			out = append(out, list[i])
		}
	}
	return out
}
