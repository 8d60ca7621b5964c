package run

import (
	"errors"
	"time"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/onward"
)

// NewInputError returns an input error with this text.
func NewInputError(text string) error { return &config.InputError{Err: errors.New(text)} }

// RefusedError says why a plan or a step must not be carried out. Nothing of it was carried out.
type RefusedError struct {
	Step string // "" for the plan
	Text string
	// Next is the single command that continues. It is "" if there is none, or if the same command works after the
	// cause is removed.
	Next string
}

// Error says it.
func (e *RefusedError) Error() string {
	if e.Step == "" {
		return e.Text
	}
	return e.Step + ": " + e.Text
}

// UnfinishedError says that a plan is not done, and why. Finished steps stay done, and running the same command again
// continues.
type UnfinishedError struct {
	Step string
	Why  string
	Err  error // the server's error; nil if others blocked the step
	// Next is the command that follows if the same one would fail again; "" if it would not.
	Next string
}

// Error says it.
func (e *UnfinishedError) Error() string { return e.Step + " is not done: " + e.Why }

// Unwrap returns the server's error.
func (e *UnfinishedError) Unwrap() error { return e.Err }

// State is the progress after a step.
type State struct {
	// Done: the last step that was asked for is committed.
	Done bool
	// Step is the next step; nil when done.
	Step *onward.PlanStep
	// Again is how long to wait before the next call.
	Again time.Duration
	// Waits: the step was not tried, or lost the lock race. InTheWay describes the sessions that were the reason, or else has the server's words.
	Waits    bool
	InTheWay []string
}

// IsAny reports whether an error is of a type.
func IsAny[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}
