package cli

import (
	"errors"
	"fmt"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/onward"
)

// The exit codes. Scripts rely on them.
const (
	// exitClean: the work was done and nothing reached --fail-on.
	exitClean = 0
	// exitFindings: a finding reached --fail-on.
	exitFindings = 1
	// exitUsage: the command line, the configuration or the input is wrong, and the user
	// can fix it.
	exitUsage = 2
	// exitFailed: something could not be done, or could not be read and is not
	// accepted in the configuration, so that there is no verdict on it.
	exitFailed = 3
)

// usageError is a mistake on the command line.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func newUsageError(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// exitCode returns the exit code of a command that ended with an error.
func exitCode(err error) int {
	if unfinished, found := errors.AsType[*fleet.UnfinishedError](err); found && unfinished.Failed || isAny[*apply.PlantedError](err) {
		return exitFindings
	}
	if e := new(adapter.NotFoundError); errors.As(err, &e) && e.IsElsewhere() {
		return exitFailed
	}
	if isAny[*usageError](err) || isAny[*config.Error](err) || isAny[*config.InputError](err) ||
		isAny[*adapter.NotFoundError](err) || isAny[*address.Error](err) ||
		isAny[*gitrange.NotRepositoryError](err) || isAny[*gitrange.BareRepositoryError](err) || isAny[*gitrange.NoCommitsError](err) ||
		isAny[*gitrange.RefusedRevisionError](err) || isAny[*gitrange.UnknownRevisionError](err) || isAny[*gitrange.NoBaseError](err) {
		return exitUsage
	}
	return exitFailed
}

func isAny[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// reportExitCode returns the exit code for a report: unreadable input counts more than findings,
// because it may hide worse ones.
func reportExitCode(r *onward.Report, failOn config.Threshold) int {
	for _, o := range r.Opaque {
		if o.Failed {
			return exitFailed
		}
	}
	for _, f := range r.Findings {
		if failOn.Reached(f.Severity) {
			return exitFindings
		}
	}
	return exitClean
}
