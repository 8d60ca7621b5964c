package apply

import (
	"time"

	"github.com/onward-sql/onward/onward"
)

// Slice limits one call of [Run], so that a worker with other targets can go on with them.
type Slice struct {
	// Length ends the call after this time, between two attempts or batches.
	Length time.Duration
	// Long allows what may take longer than a slice. Without it, the call ends before a statement over a whole table, and a search that
	// would begin again ends with the slice.
	Long bool
	// Stop ends the call at the same places as Length, when it is closed. nil never does.
	Stop <-chan struct{}
	// Before is how the last call ended; nil for the first one. [Config.Within] counts the time that its step has waited.
	Before *SliceError
}

// SliceError says that a slice ended before the plan was done. The same call goes on.
type SliceError struct {
	// Step is the next step. Long: it may take longer than a slice.
	Step string
	Long bool
	// Waited is for how long the step has waited for others, and InTheWay describes them. Both are empty after progress.
	Waited   time.Duration
	InTheWay []string
}

// Error names the step.
func (e *SliceError) Error() string {
	if e.Long {
		return "it goes on with " + e.Step + ", which may take long"
	}
	return "it goes on with " + e.Step
}

// isLongStep reports whether a step has one statement whose duration depends on the rows.
func isLongStep(s *onward.PlanStep) bool {
	return !s.Repeat && s.Transaction == onward.TransactionNone || s.Class == onward.StepConcurrent || s.Class == onward.StepValidate || s.Class == onward.StepWork
}

// sliceClock measures a slice. nil never ends.
type sliceClock struct {
	*Slice
	end time.Time
}

func (c *settings) startSlice() *sliceClock {
	if c.Slice == nil {
		return nil
	}
	return &sliceClock{c.Slice, time.Now().Add(c.Slice.Length)}
}

// lastBlockedStep returns the step that others blocked at the end of the last slice, and since when; "" for none.
func (s *sliceClock) lastBlockedStep() (step string, since time.Time) {
	if s == nil || s.Before == nil || s.Before.Waited == 0 {
		return "", since
	}
	return s.Before.Step, time.Now().Add(-s.Before.Waited)
}

// endBeforeLongStep returns a [*SliceError] if the slice must end before the next step.
func (s *sliceClock) endBeforeLongStep(nextStep func() (*onward.PlanStep, int)) error {
	if s == nil || s.Long {
		return nil
	}
	if next, _ := nextStep(); next != nil && isLongStep(next) {
		return &SliceError{Step: next.ID, Long: true}
	}
	return nil
}

// checkEnd returns a [*SliceError] after an attempt if the slice is over. inMemory: see [Target.hasUnsavedProgress].
func (s *sliceClock) checkEnd(state *State, since time.Time, inMemory bool) error {
	if s == nil {
		return nil
	}
	select {
	case <-s.Stop:
	default:
		if time.Now().Before(s.end) || s.Long && inMemory {
			return nil
		}
	}
	out := &SliceError{Step: state.Step.ID, Long: inMemory || isLongStep(state.Step)}
	if state.Waits {
		out.Waited, out.InTheWay = time.Since(since), state.InTheWay
	}
	return out
}
