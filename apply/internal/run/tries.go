package run

import (
	"time"

	"github.com/onward-sql/onward/internal/queue"
)

// losses is how many lost races double the lock_timeout.
const losses = 10

// Tries are the attempts at the next step. All parts of a run share them.
type Tries struct {
	Step      string    // the ID of the step
	Since     time.Time // when this process began with the step
	Started   bool      // the checks before the step are done
	LostRaces int       // attempts that lost a lock race
	// LostRepacks are the copies that a REPACK (CONCURRENTLY) has lost.
	LostRepacks int
	// Waited is the time that others were in the way. The ledger does not have it yet.
	Waited time.Duration
	// MaxStall limits the lock_timeout of each attempt.
	MaxStall time.Duration
}

// Reset begins with a new step.
func (t *Tries) Reset(step string) { *t = Tries{Step: step, Since: time.Now(), MaxStall: t.MaxStall} }

// LockTimeout returns the lock_timeout of the next attempt.
func (t *Tries) LockTimeout() time.Duration {
	d := queue.FirstStall
	for range t.LostRaces / losses {
		d *= 2
	}
	return min(d, t.MaxStall)
}
