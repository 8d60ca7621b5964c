package replay

import (
	"context"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/transcript"
)

// FindSetup plays a recording's events for one database (a lane) on an empty one, and finds where its setup ends. A test suite makes its schema
// first, and its tests follow. The setup ends where the database is nearest to the deployed schema, for the first time: end is the first event
// of the tests. It is 0 for a database that never has all columns.
//
// measure returns how many parts of the deployed schema the database lacks, and whether a column is among them. It is asked only after
// transactions that change the schema, and only before the database is copied.
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
