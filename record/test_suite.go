package record

import (
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/workload"
)

// testCommand finds the words of commands that run tests.
var testCommand = lazyregexp.New(`(?i)(^|[^a-z])(tests?|pytest|rspec|phpunit|pest|jest|vitest|mocha|tox|nox|behave|ctest|nextest|playwright|cypress)([^a-z]|$)`)

// isTestSuite reports whether a recording is of a test suite: a command on a throwaway server, or one that runs tests.
func (r *recorder) isTestSuite() bool {
	return len(r.Command) > 0 && (r.target.copies == nil || testCommand.MatchString(strings.Join(r.Command, " ")))
}

// dropIdleTimes removes the times in which transactions were open and idle. In a suite a test holds its transaction open
// while it computes and compares: that says nothing about the code.
func dropIdleTimes(w *workload.Workload) {
	for i := range w.Sequences {
		w.Sequences[i].IdleMS, w.Sequences[i].MostIdleMS = 0, 0
	}
}
