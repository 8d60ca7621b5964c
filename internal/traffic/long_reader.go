package traffic

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The reader scans a table in chunks of stepRows rows, with a pause after each,
// for at most steps chunks. It holds its lock and its snapshot for a fifth of a
// second, as an export or a report would, at almost no cost.
const (
	readerEvery = time.Second
	steps       = 10
	stepRows    = 500
	stepPause   = 20 * time.Millisecond
)

// reader is the session that reads for longer: see Config.LongReader.
type reader struct {
	session
	relations []*relation
}

func (r *reader) runReader(ctx context.Context, ready chan<- error) {
	defer r.closeConnection()
	err := r.openConnection(ctx)
	if err == nil {
		r.scanRelation(ctx, r.relations[0], 1)
	}
	ready <- err
	for i := 1; err == nil && r.pauseFor(ctx, readerEvery); i++ {
		// A failed connection is tried again after the next pause.
		if r.openConnection(ctx) == nil {
			r.scanRelation(ctx, r.relations[i%len(r.relations)], steps)
		}
	}
}

// scanRelation scans a relation. Only the first chunk, which takes the lock, is timed:
// the rest is slow on purpose.
func (r *reader) scanRelation(ctx context.Context, rel *relation, most int) {
	sql := fmt.Sprintf("SELECT %s FROM %s", formatColumns(rel, allIndexes(len(rel.columns))), rel.quoted)
	exec := func(sql string) (int64, error) {
		results, err := r.conn.Exec(ctx, sql).ReadAll()
		if err != nil {
			return 0, err
		}
		return results[len(results)-1].CommandTag.RowsAffected(), nil
	}
	step := fmt.Sprintf("MOVE FORWARD %d IN onward_reader", stepRows)
	var rows int64
	refused := r.runTimed(ctx, Query{Relation: rel.name, Kind: read, SQL: sql}, isDuplicate, func() (err error) {
		rows, err = exec("BEGIN; DECLARE onward_reader NO SCROLL CURSOR FOR " + sql + "; " + step)
		return err
	})
	for i := 1; i < most && refused == nil && rows == stepRows && r.pauseFor(ctx, stepPause); i++ {
		var err error
		if rows, err = exec(step); err != nil {
			break
		}
	}
	if r.conn.IsClosed() || ctx.Err() != nil {
		return
	}
	if _, err := exec("ROLLBACK"); err != nil && !errors.Is(err, context.Canceled) {
		// The session cannot be used any more: the next scan opens a new one.
		closeAndWait(r.conn)
	}
}
