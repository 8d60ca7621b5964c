package rehearse

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/onward-sql/onward/onward"
)

// TimeError says that the time of a whole rehearsal was over before the release had run.
type TimeError struct {
	Total time.Duration
	Err   error // of the action that was ended; nil if none was
}

// Error is the message, with the flag that raises the limit.
func (e *TimeError) Error() string {
	return fmt.Sprintf("the rehearsal was ended after %s, before the release had run; --limit raises this limit", e.Total)
}

// Unwrap returns the error of the action that was ended.
func (e *TimeError) Unwrap() error { return e.Err }

// closingTime is the time to look at the release after its last statement was ended.
const closingTime = 10 * time.Second

// errTotal is the cause of a context that ended with the whole rehearsal.
var errTotal = errors.New("the time of the rehearsal is over")

// clock limits the time of a whole rehearsal on one server. The zero value limits nothing.
type clock struct {
	total time.Duration
	end   time.Time
}

// startClock returns a context that ends shortly after the rehearsal's time is over. Statements of the release end before it,
// so that there is a report.
func (c *clock) startClock(ctx context.Context, total time.Duration) (context.Context, context.CancelFunc) {
	c.total, c.end = total, time.Now().Add(total)
	return context.WithDeadlineCause(ctx, c.end.Add(closingTime), errTotal)
}

// isOver reports whether the rehearsal's time is over.
func (c *clock) isOver() bool { return !c.end.IsZero() && !time.Now().Before(c.end) }

// statementLimit returns how long the next statement may take, and the words for its end.
func (c *clock) statementLimit(each time.Duration) (limit time.Duration, reason string) {
	if rest := time.Until(c.end); !c.end.IsZero() && rest < each {
		return max(rest, 0), fmt.Sprintf("ended because the rehearsal's %s were over (--limit)", c.total)
	}
	return each, fmt.Sprintf("ended after %s", each)
}

// explainTimeout makes a *TimeError of an error that the end of the time caused. A *BaseError stays, because it has the place.
// ctx is the caller's.
func (c *clock) explainTimeout(ctx context.Context, err error) error {
	var base *BaseError
	if err == nil || ctx.Err() != nil || !c.isOver() || errors.As(err, &base) {
		return err
	}
	return &TimeError{c.total, err}
}

// check is an action after the release has run.
type check struct {
	noteIfSkipped string // the note if there is no time for it
	phase         string
	wanted        bool
	perform       func(context.Context) error
}

// runCheck performs a check. If the time is over, it adds a note instead.
func (v *version) runCheck(ctx context.Context, c check) error {
	if !c.wanted {
		return nil
	}
	var err error
	if !v.isOver() {
		v.reportPhase(c.phase)
		err = c.perform(ctx)
	}
	if v.isOver() && (err == nil || errors.Is(context.Cause(ctx), errTotal)) {
		v.out.Notes = append(v.out.Notes, c.noteIfSkipped+": the rehearsal's "+v.total.String()+" were over (--limit)")
		return nil
	}
	return err
}

// enough is the number of rows from which a duration can be scaled to another
// number of rows. Below that, the fixed costs of a statement dominate.
const enough = 1000

// estimateDurations says how long the statements that do work take at the sizes of
// production. One end of the range is the rehearsed duration, scaled by rows.
// The other is the model's estimate from bytes and the configured throughput of
// a disk. The rehearsal's server keeps its tables in memory and waits for no
// disk. The model does not know expressions and triggers.
//
// Statements from emptied on ran on empty tables.
func (v *version) estimateDurations(emptied int) {
	rows := map[string]int64{}
	for _, t := range v.out.Tables {
		rows[t.Relation] = t.Rows
	}
	for i := range v.out.Statements {
		st := &v.out.Statements[i]
		if st.Failed != nil || emptied >= 0 && i >= emptied {
			continue
		}
		took := st.UntilMS - st.FromMS - st.WaitedMS
		for _, e := range v.report.Migrations[st.Migration].Statements[st.Statement].Effects {
			rehearsed := rows[e.Relation]
			if e.New || e.Rows == 0 || rehearsed < enough || e.Work == onward.NoWork && e.EstimateMS == 0 {
				continue
			}
			scaled := took * float64(e.Rows) / float64(rehearsed)
			reckoned := float64(e.EstimateMS)
			if reckoned == 0 {
				reckoned = scaled
			}
			est := &onward.Estimate{Relation: e.Relation, Rows: e.Rows, LowMS: min(scaled, reckoned), HighMS: max(scaled, reckoned)}
			if st.Estimate == nil || est.HighMS > st.Estimate.HighMS {
				st.Estimate = est
			}
		}
	}
}
