// Package rotation chooses which of many alike test cases one run takes, so that a run stays short and some runs take
// them all. It is test support.
//
// The turn is the number in ONWARD_ROTATION, in .ci/run the number of the landing, else the day. "all" takes every case:
// `make soak` does. A run of named subtests (go test -run Test/name) takes every case, too, so that a case can be repeated
// at any time.
package rotation

import (
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Variable names the turn in the environment.
const Variable = "ONWARD_ROTATION"

// cycle is the number of successive turns that together take every case of a test that needs no tool.
const cycle = 6

// Pick returns every n-th of the cases, starting at another one in each turn. Each case is taken once in cycle turns, so a
// larger n counts as cycle. It returns all cases if the run takes them all.
func Pick[T any](t testing.TB, n int, cases []T) []T {
	t.Helper()
	return PickAfter(t, 1, n, cases)
}

// PickAfter is Pick, with a turn that goes on after some runs only. A test that picks twice gives the second pick the n of
// the first one, so that each case of one meets each case of the other. A test that needs a tool gives component.Turns: the
// turns that take its tool would else pick the same cases every time.
func PickAfter[T any](t testing.TB, runs, n int, cases []T) []T {
	t.Helper()
	if runsAllCases() {
		return cases
	}
	turn := currentTurn(t)
	n = min(n, cycle)
	var picked []T
	for i, c := range cases {
		if (i+turn/runs)%n == 0 {
			picked = append(picked, c)
		}
	}
	t.Logf("%d of %d cases: %s=%d repeats them, %s=all takes all", len(picked), len(cases), Variable, turn, Variable)
	return picked
}

// IsDue reports whether this run takes a test that one of n runs takes.
func IsDue(t testing.TB, n int) bool {
	t.Helper()
	return len(Pick(t, n, []struct{}{{}})) > 0
}

// runsAllCases reports whether this run takes every case.
func runsAllCases() bool {
	run := flag.Lookup("test.run")
	return os.Getenv(Variable) == "all" || run != nil && strings.Contains(run.Value.String(), "/")
}

// currentTurn is the number of this run's turn.
func currentTurn(t testing.TB) int {
	t.Helper()
	text := os.Getenv(Variable)
	if text == "" {
		return int(time.Now().Unix() / (24 * 60 * 60))
	}
	turn, err := strconv.Atoi(text)
	if err != nil || turn < 0 {
		t.Fatalf("%s=%q: neither a number from 0 on nor all", Variable, text)
	}
	return turn
}
