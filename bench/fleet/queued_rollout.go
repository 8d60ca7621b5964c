package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/fleet/queuedb"
	"github.com/onward-sql/onward/onward"
)

// runQueuedRollout rolls a release out through a queue database on the first server, with one worker in this process.
func (s *scale) runQueuedRollout(ctx context.Context, c fleet.Config) (*onward.Rollout, error) {
	server := s.servers[0]
	name, err := server.NewDatabase(ctx, "")
	if err != nil {
		return nil, err
	}
	defer func() { _ = server.DropDatabase(context.WithoutCancel(ctx), name) }()
	q, err := queuedb.Open(ctx, queuedb.Address{URL: server.URL(name)}, s.atOnce+6, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	defer q.Close()
	survey, err := fleet.SurveyTargets(ctx, c)
	if err != nil {
		return nil, err
	}
	settings := &queuedb.Settings{
		Source: s.source.Text, StopAfter: fleet.DefaultStopAfter, AtOnce: s.atOnce, PerServer: s.atOnce, Within: time.Minute, Work: json.RawMessage("{}"),
		OnMachine: s.plan == nil,
	}
	if err := q.Start(ctx, &c, settings, survey, false); err != nil {
		return nil, err
	}
	w := q.NewWorker(queuedb.WorkerConfig{
		AtOnce: s.atOnce, Source: s.source, Release: c.Release, Who: "bench", Drain: time.Second,
		MakeWork: func(j *queuedb.Job) (fleet.Work, error) { return s.targetWork(j.Slice), nil },
	})
	working, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- w.Run(working) }()
	state := onward.RolloutRunning
	for ctx.Err() == nil && state == onward.RolloutRunning {
		time.Sleep(200 * time.Millisecond)
		if p, err := q.ReadProgress(ctx, c.Release); err == nil && p != nil {
			state = p.State
		}
	}
	stop()
	if err := <-ended; err != nil {
		return nil, err
	}
	r, err := q.ReadRollout(ctx, c.Release)
	if err == nil && state != onward.RolloutDone {
		err = fmt.Errorf("the release is %s: %s", state, r.Why)
	}
	return r, err
}

// targetWork returns the work on a target, for one slice; nil does not limit it.
func (s *scale) targetWork(slice *apply.Slice) fleet.Work {
	if s.plan == nil {
		return guardWork()
	}
	return fleet.ApplySteps(func(ctx context.Context, t *fleet.Target) (*onward.Applied, error) {
		plan := *s.plan // each call has its own
		return apply.Run(ctx, apply.Config{
			DB: t.Address, Schema: t.Schema, SearchPath: t.SearchPath(""), Plan: &plan, Unproven: "bench", Within: time.Minute, Slice: slice,
		})
	})
}
