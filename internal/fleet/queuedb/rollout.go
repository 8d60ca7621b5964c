package queuedb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/onward"
)

// Settings are the settings of a release in the queue, from the flags of the command that started it. They have no address and no password: a
// worker finds a target by its name in its own list.
type Settings struct {
	// Source is the text of --targets. Targets that are created meanwhile are found by workers with the same text.
	Source string `json:"source"`
	// Late: targets that are created meanwhile belong to the release.
	Late bool `json:"late"`
	// StopAfter, AtOnce, PerServer, Chosen, Verify, SearchPath and Within are as in [fleet.Config].
	StopAfter  string        `json:"stop_after"`
	AtOnce     int           `json:"at_once"`
	PerServer  int           `json:"per_server"`
	Chosen     bool          `json:"chosen"`
	Verify     string        `json:"verify,omitempty"`
	SearchPath string        `json:"search_path,omitempty"`
	Within     time.Duration `json:"within"`
	// OnMachine: the work needs code on the worker's machine, such as the team's own command. Only workers for this release take its targets.
	OnMachine bool `json:"on_machine,omitempty"`
	// Work is the input of [WorkerConfig].MakeWork. It may be large, so it has its own column in the queue.
	Work json.RawMessage `json:"-"`
}

// errOtherRelease says that these settings are of another release of onward.
var errOtherRelease = errors.New("another release of onward put this into the queue")

// decodeSettings reads settings. Those with an unknown key belong to a newer release of onward.
func decodeSettings(text string) (*Settings, error) {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	s := &Settings{}
	if err := d.Decode(s); err != nil {
		return nil, fmt.Errorf("%w: %w", errOtherRelease, err)
	}
	return s, nil
}

// Start puts a release into the queue, or continues it: targets that are not done according to the survey are tried again. rebuild
// first deletes the rows that the queue has of the release. The error is a [*fleet.ChangedError] if the release was begun with
// other work.
func (q *Queue) Start(ctx context.Context, c *fleet.Config, s *Settings, survey *fleet.Survey, rebuild bool) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return q.inTransaction(ctx, func(tx pgx.Tx) error {
		// A worker must not begin a target between two statements.
		if err := lockDispatch(ctx, tx); err != nil {
			return err
		}
		if rebuild {
			if err := deleteRollout(ctx, tx, c.Release); err != nil {
				return err
			}
		}
		var id int64
		var work string
		err := tx.QueryRow(ctx, `INSERT INTO onward_queue.rollout (release, work, settings, body, waves, sizes, state, who)
			VALUES ($1, $2, '', '', '{}', '{}', '', $3) ON CONFLICT (release) DO UPDATE SET release = excluded.release RETURNING id, work`,
			c.Release, c.Digest, c.Who).Scan(&id, &work)
		if err != nil {
			return err
		}
		if work != c.Digest {
			return &fleet.ChangedError{Release: c.Release}
		}
		names, sizes := []string{}, []int32{}
		for _, w := range survey.Waves {
			names, sizes = append(names, w.Name), append(sizes, int32(w.Targets))
		}
		if _, err := tx.Exec(ctx, `UPDATE onward_queue.rollout SET settings = $2, waves = $3, sizes = $4, state = 'running', why = '', late = 0, ended = NULL,
			body = $5 WHERE id = $1`, id, string(text), names, sizes, string(s.Work)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "UPDATE onward_queue.target SET wanted = false WHERE rollout = $1", id); err != nil {
			return err
		}
		return insertTargets(ctx, tx, id, survey, s.Chosen)
	})
}

// insertTargets adds targets to a release. With includeFinished targets that are done or skipped are tried again, too.
func insertTargets(ctx context.Context, tx pgx.Tx, id int64, survey *fleet.Survey, includeFinished bool) error {
	var names, servers, states, notes []string
	var waves, positions []int32
	for i := range survey.Targets {
		t := &survey.Targets[i]
		state, note := onward.RolloutPending, ""
		switch t.State {
		case onward.RolloutDone, onward.RolloutSkipped, onward.RolloutGone:
			if !includeFinished {
				state, note = t.State, t.Note
			}
		}
		names, servers, states, notes = append(names, t.Name), append(servers, survey.Servers[t.Name]), append(states, string(state)), append(notes, note)
		waves, positions = append(waves, int32(t.Wave)), append(positions, int32(i))
	}
	// A target with a job keeps it.
	_, err := tx.Exec(ctx, `INSERT INTO onward_queue.target AS t (rollout, name, server, state, note, wave, position, wanted)
		SELECT $1, name, server, state, note, wave, position, true
		FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::int[], $7::int[]) AS n (name, server, state, note, wave, position)
		ON CONFLICT (rollout, name) DO UPDATE SET server = excluded.server, wave = excluded.wave, position = excluded.position, wanted = true,
			state = CASE WHEN t.state = 'running' THEN t.state ELSE excluded.state END,
			note = CASE WHEN t.state = 'running' THEN t.note ELSE excluded.note END,
			step = '', waited = 0, away = NULL, ended = NULL`, id, names, servers, states, notes, waves, positions)
	return err
}

// deleteRollout removes a release from the queue. A job that runs finds that its target has no row, and ends.
func deleteRollout(ctx context.Context, tx pgx.Tx, release string) error {
	var id int64
	err := tx.QueryRow(ctx, "DELETE FROM onward_queue.rollout WHERE release = $1 RETURNING id", release).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err == nil {
		_, err = tx.Exec(ctx, `DELETE FROM onward_queue.river_job WHERE kind = $1 AND state <> 'running' AND args @> jsonb_build_object('rollout', $2::bigint)`,
			targetKind, id)
	}
	return err
}

// Progress is how far a release is in the queue.
type Progress struct {
	State onward.RolloutState
	Why   string
	// Counts has the number of targets in each state.
	Counts map[onward.RolloutState]int
}

// ReadProgress returns how far a release is in the queue; nil if the queue does not know it.
func (q *Queue) ReadProgress(ctx context.Context, release string) (*Progress, error) {
	out := &Progress{Counts: map[onward.RolloutState]int{}}
	err := q.inTransaction(ctx, func(tx pgx.Tx) error {
		var id int64
		var state string
		if err := tx.QueryRow(ctx, "SELECT id, state, why FROM onward_queue.rollout WHERE release = $1", release).Scan(&id, &state, &out.Why); err != nil {
			return err
		}
		out.State = onward.RolloutState(state)
		rows, _ := tx.Query(ctx, "SELECT state, count(*) FROM onward_queue.target WHERE rollout = $1 AND wanted GROUP BY state", id)
		var count int
		_, err := pgx.ForEachRow(rows, []any{&state, &count}, func() error { out.Counts[onward.RolloutState(state)] = count; return nil })
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return out, err
}
