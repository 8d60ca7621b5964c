package replay

import (
	"context"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/transcript"
)

// FindSetup plays a lane without a setup on an empty database, and returns the event before which its setup ends: after it the database is as near to the
// deployed schema as it ever is, for the first time. measure says how many parts of the schema the database lacks, and whether columns are. 0 is for a
// database that never has all columns. Only the ends of transactions that change the schema count, and only those before the database is copied.
func (d *DatabaseLane) FindSetup(ctx context.Context, target Target, measure func(context.Context) (lacks int, columns bool, err error)) (end int, err error) {
	lane := d.Tests
	lane.End = min(lane.End, d.copied)
	p := newPlayer(lane, target)
	defer p.closeSessions()
	changed := map[int]bool{} // sessions that have changed the schema in their transaction
	best := -1
	for i := lane.Begin; i < lane.End && best != 0; i++ {
		if err := p.playEvent(ctx, i); err != nil {
			return 0, err
		}
		if !lane.hasEvent(i) {
			continue
		}
		e := &lane.Transcript.Events[i]
		for _, st := range d.messages.executed[i] {
			changed[e.Session] = changed[e.Session] || changesSchema(st)
		}
		if !changed[e.Session] || e.Source != transcript.Server || e.Kind != 'Z' || p.sessions[e.Session].status() != 'I' {
			continue
		}
		changed[e.Session] = false
		switch lacks, columns, err := measure(ctx); {
		case err != nil:
			return 0, err
		case !columns && (best < 0 || lacks < best):
			best, end = lacks, i+1
		}
	}
	return end, ctx.Err()
}

// changesSchema reports whether a statement may make or change something that outlasts its session and is no row.
func changesSchema(st *pgparse.Node) bool {
	return st.GetSelectStmt() == nil && st.GetInsertStmt() == nil && st.GetUpdateStmt() == nil && st.GetDeleteStmt() == nil &&
		st.GetMergeStmt() == nil && st.GetCopyStmt() == nil && st.GetVariableSetStmt() == nil && st.GetTransactionStmt() == nil &&
		(st.GetCreateStmt() == nil || st.GetCreateStmt().GetRelation().GetRelpersistence() != "t")
}
