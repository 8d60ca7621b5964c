package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/component"
)

// summarizeEvents reads events, and returns what is printed and whether the run fails.
func summarizeEvents(t *testing.T, events ...event) (string, bool) {
	t.Helper()
	var out strings.Builder
	s := newSummary(&out)
	for _, e := range events {
		e.Package = "p"
		s.addEvent(e)
	}
	s.printLeftOut()
	return out.String(), s.failed || len(s.unmarked) > 0
}

func TestSummary(t *testing.T) {
	t.Setenv("ONWARD_REQUIRE", "1,node")
	for name, c := range map[string]struct {
		events []event
		fails  bool
		want   []string
		never  string
	}{
		"what passes is silent": {
			events: []event{
				{Action: "output", Test: "TestA/b", Output: "    rotation.go:47: 3 of 12 cases: ONWARD_ROTATION=4 repeats them, ONWARD_ROTATION=all takes all\n"},
				{Action: "pass", Test: "TestA/b"},
				{Action: "output", Test: "TestA", Output: "a log\n"},
				{Action: "pass", Test: "TestA"},
				{Action: "output", Output: "ok  \tp\t1s\n"},
				{Action: "pass"},
			},
			want: []string{"ok  \tp\t1s\n", "\nPassed: 1 tests and 1 subtests. Tests that take turns ran 3 of 12 cases.\n"}, never: "a log",
		},
		"what fails is printed": {
			events: []event{
				{Action: "output", Test: "TestA/b", Output: "=== RUN   TestA/b\n"},
				{Action: "output", Test: "TestA/b", Output: "wrong\n"},
				{Action: "fail", Test: "TestA/b"},
				{Action: "fail"},
			},
			fails: true, want: []string{"wrong\n"}, never: "===",
		},
		"a test that was under way at a crash is printed": {
			events: []event{{Action: "output", Test: "TestA", Output: "panic: x\n"}, {Action: "output", Output: "FAIL\tp\t1s\n"}, {Action: "fail"}},
			fails:  true, want: []string{"panic: x\n"},
		},
		"left out": {
			events: []event{
				{Action: "output", Test: "TestA", Output: "    a_test.go:3: left out: chromium: there is none: scripts/setup.sh chromium\n"}, {Action: "skip", Test: "TestA"},
				{Action: "output", Test: "TestC", Output: "    left out: postgres19: x\n"}, {Action: "skip", Test: "TestC"},
				{Action: "output", Test: "TestB", Output: "    [left out: chromium: x]\n"}, {Action: "skip", Test: "TestB"}, {Action: "skip"},
			},
			want: []string{"Tests left out: 3.", "    1  postgres19", "    2  chromium   pages in a browser: scripts/setup.sh chromium\n"}, never: "there is none",
		},
		"left out, and required": {
			events: []event{{Action: "output", Test: "TestA", Output: "    left out: node: x\n"}, {Action: "skip", Test: "TestA"}},
			fails:  true, want: []string{"FAIL: node is required"},
		},
		"skipped for another reason": {
			events: []event{{Action: "output", Test: "TestA", Output: "    a_test.go:3: not today\n"}, {Action: "skip", Test: "TestA"}},
			fails:  true, want: []string{"FAIL: skipped, but for no component", "p TestA", "not today"},
		},
		"a seed of a fuzz target": {events: []event{{Action: "skip", Test: "FuzzA/seed#1"}}},
		"it does not compile": {
			events: []event{{Action: "build-output", Output: "a.go:1: undefined: x\n"}, {Action: "fail"}}, fails: true, want: []string{"undefined: x"},
		},
	} {
		out, fails := summarizeEvents(t, c.events...)
		if fails != c.fails {
			t.Errorf("%s: it fails: %t\n%s", name, fails, out)
		}
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in\n%s", name, want, out)
			}
		}
		if c.never != "" && strings.Contains(out, c.never) {
			t.Errorf("%s: %q in\n%s", name, c.never, out)
		}
	}
}

// Successive runs of .ci/run require every tool once, and leave the others out.
func TestTurns(t *testing.T) {
	t.Parallel()
	required, last := map[string]int{}, map[string]int{}
	for n := 7; n < 7+component.Turns; n++ {
		lines := strings.Split(describeTurn(n), "\n")
		left := strings.Split(strings.TrimPrefix(lines[1], "ONWARD_LEAVE_OUT="), ",")
		for _, name := range strings.Split(strings.TrimPrefix(lines[0], "ONWARD_REQUIRE="), ",") {
			required[name]++
			last[name] = n
			if slices.Contains(left, name) {
				t.Errorf("%s is required, and left out: %s", name, lines[1])
			}
		}
		for _, name := range left {
			ago := fmt.Sprintf("# %s ran %d landings ago", name, n-last[name])
			if last[name] > 0 && !slices.Contains(lines, ago) {
				t.Errorf("%q is missing in %q", ago, lines)
			}
		}
	}
	if required["1"] != component.Turns {
		t.Errorf("what setup installs is required %d times", required["1"])
	}
	for _, c := range component.ListAll() {
		if want := min(c.Turn, 1); required[c.Name] != want {
			t.Errorf("%s is required %d times", c.Name, required[c.Name])
		}
	}
}
