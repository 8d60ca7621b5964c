package guard

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/onward"
)

// RepackError says that the command sent a REPACK (CONCURRENTLY), and that others were in its way until the end of [Config.Within].
// These are transactions that would read no rows of the table afterwards, without an error, or that would make it lose its copy.
// The statement did not run, and its session was ended.
type RepackError struct {
	statement string
	within    time.Duration
	inTheWay  []string
}

// Error names the transactions.
func (e *RepackError) Error() string {
	return fmt.Sprintf("%s did not run, and its session was ended: for %s others were in its way: %s", e.statement, e.within, strings.Join(e.inTheWay, "; "))
}

// recordRepackedTable records the table that a REPACK (CONCURRENTLY) writes anew, if the server knows the statement.
func (s *statement) recordRepackedTable(node *pgparse.Node, result *effect.Result) {
	if pgparse.RepackedTable(node) == nil || result.Refused != nil || len(result.Effects) == 0 {
		return
	}
	s.repacks = result.Effects[0].Name.Qualified()
	s.description += " on " + s.repacks
}

// isRepacking reports whether the session runs a REPACK (CONCURRENTLY). The caller holds the session's lock.
func (s *session) isRepacking() bool { return len(s.pending) > 0 && s.pending[0].repacks != "" }

// holdRepack holds a REPACK (CONCURRENTLY) back until nobody is in its way. If somebody still is when the command's time is over, it must not run.
func (r *run) holdRepack(s *session, st *statement) *RepackError {
	line, start, reported := queue.NewRepackQueue(st.repacks), time.Now(), ""
	var words []string
	for {
		var list []string
		err := r.g.monitor.Do(r.ctx, func(ctx context.Context, conn *pgx.Conn) error {
			snapshots, err := line.Snapshots.Find(ctx, conn, false)
			if err != nil {
				return err
			}
			lockHolders, err := line.InTheWay(ctx, conn, map[int]bool{int(s.pid.Load()): true})
			list = prose.FirstLines(slices.Concat(queue.DescribeSnapshots(snapshots, st.repacks), lockHolders), 3)
			return err
		})
		if err != nil {
			list = []string{"it is not known who is in the way: " + err.Error()}
		}
		if len(list) == 0 {
			break
		}
		words = list
		if blockers := prose.CutNumbers(strings.Join(list, "; ")); blockers != reported && r.ctx.Err() == nil {
			reported = blockers
			r.g.c.Tell(st.description + " is held back: " + strings.Join(list, "; "))
		}
		if time.Now().After(r.holdUntil) || r.ctx.Err() != nil {
			return r.recordRefusedRepack(&RepackError{st.description, r.g.c.Within, list})
		}
		_ = queue.Pause(r.ctx, repackPollInterval)
	}
	if words != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.out.Waited = append(r.out.Waited, onward.GuardedWait{Statement: st.description, TookMS: time.Since(start).Milliseconds(), InTheWay: words})
	}
	return nil
}

// repackPollInterval is the interval between two searches for those that a REPACK must wait for.
const repackPollInterval = 250 * time.Millisecond

func (r *run) recordRefusedRepack(err *RepackError) *RepackError {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refusedRepack == nil {
		r.refusedRepack = err
	}
	return r.refusedRepack
}

// cancelBlockingRepack cancels a REPACK (CONCURRENTLY) if queries wait for it too long.
func (r *run) cancelBlockingRepack(s *session) {
	var wait *queue.RepackWait
	err := r.g.monitor.Do(r.ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		wait, err = queue.ReadRepackWait(ctx, conn, int(s.pid.Load()))
		return err
	})
	if err != nil {
		return
	}
	s.mu.Lock()
	s.repackAtEnd = wait.AtEnd
	s.mu.Unlock()
	r.recordLongestQueue(wait.Waiters)
	if wait.TooLong() {
		r.cancelOrDisconnect(s, wait.String())
	}
}

// countLostRepack counts the copies that were lost, and returns the pause before the command runs again; reason is set if it does not run again.
func (g *guard) countLostRepack(r *run) (pause time.Duration, reason string) {
	if !r.lostRepack || !r.hasLostRace() {
		return 0, ""
	}
	if g.lostRepacks++; g.lostRepacks >= queue.RepackAttempts {
		reason = fmt.Sprintf("REPACK has lost %d copies of its table: see who used it, below, and run the same when they have ended", g.lostRepacks)
	}
	return time.Duration(g.lostRepacks) * queue.RepackPause, reason
}
