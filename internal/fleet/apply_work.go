package fleet

import (
	"context"
	"errors"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/onward"
)

// DigestApply returns a hash of a plan, or of the settings that choose pending migrations.
func DigestApply(words ...string) string { return digestWords(append([]string{"apply"}, words...)...) }

// ApplySteps returns the work that runs apply on each target. run calls apply with the address of the target.
func ApplySteps(run func(ctx context.Context, t *Target) (*onward.Applied, error)) Work {
	return func(ctx context.Context, t *Target, _ func(pid int) error) (int, error) {
		_, err := run(ctx, t)
		if refused := new(apply.RefusedError); errors.As(err, &refused) {
			return exitRefused, err
		}
		if err != nil && !IsInputError(err) {
			return exitUnfinished, err
		}
		return 0, err
	}
}

// The exit codes of onward apply.
const (
	exitRefused    = 1
	exitUnfinished = 3
)
