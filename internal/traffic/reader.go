package traffic

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The reader goes through a table in steps of stepRows, with a pause after each,
// and no further than steps: it holds its lock and its snapshot for a fifth of a
// second, as an export or a report would, at next to no cost.
const (
	readerEvery = time.Second
	steps       = 10
	stepRows    = 500
	stepPause   = 20 * time.Millisecond
)

// reader is the session that reads for longer.
type reader struct {
	session
	relations []*relation
}

func (r *reader) run(ctx context.Context, ready chan<- error) {
	defer r.close()
	err := r.connect(ctx)
	if err == nil {
		r.read(ctx, r.relations[0], 1)
	}
	ready <- err
	for i := 1; err == nil && r.pause(ctx, readerEvery); i++ {
		// A connection that cannot be had is tried again after the next pause.
		if r.connect(ctx) == nil {
			r.read(ctx, r.relations[i%len(r.relations)], steps)
		}
	}
}

// read goes through a relation. What is timed is its beginning, where it gets
// its lock: the rest is slow because the reader is.
func (r *reader) read(ctx context.Context, rel *relation, most int) {
	sql := fmt.Sprintf("SELECT %s FROM %s", names(rel, every(len(rel.columns))), rel.quoted)
	exec := func(sql string) (int64, error) {
		results, err := r.conn.Exec(ctx, sql).ReadAll()
		if err != nil {
			return 0, err
		}
		return results[len(results)-1].CommandTag.RowsAffected(), nil
	}
	step := fmt.Sprintf("MOVE FORWARD %d IN onward_reader", stepRows)
	var rows int64
	refused := r.timed(ctx, Query{Relation: rel.name, Kind: read, SQL: sql}, duplicate, func() (err error) {
		rows, err = exec("BEGIN; DECLARE onward_reader NO SCROLL CURSOR FOR " + sql + "; " + step)
		return err
	})
	for i := 1; i < most && refused == nil && rows == stepRows && r.pause(ctx, stepPause); i++ {
		var err error
		if rows, err = exec(step); err != nil {
			break
		}
	}
	if r.conn.IsClosed() || ctx.Err() != nil {
		return
	}
	if _, err := exec("ROLLBACK"); err != nil && !errors.Is(err, context.Canceled) {
		// The session is of no more use: the next reading makes a new one.
		shut(r.conn)
	}
}
