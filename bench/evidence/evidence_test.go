package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestPage compares the page with the figures that it is written from.
func TestPage(t *testing.T) {
	root := filepath.Join("..", "..")
	list, err := readApplications(filepath.Join(root, applicationsFile))
	if err != nil {
		t.Fatal(err)
	}
	results, err := readResults(filepath.Join(root, resultsFile))
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, pageFile))
	if err != nil {
		t.Fatal(err)
	}
	if renderPage(list, results) != string(page) {
		t.Errorf("%s is not what the figures say: go run ./bench/evidence -page", pageFile)
	}
	for _, r := range results.Results {
		checkResult(t, list, r)
	}
}

// checkResult checks that a result is of a known release, and that its suite agrees with itself.
func checkResult(t *testing.T, list []Application, r Result) {
	t.Helper()
	known := false
	for _, a := range list {
		known = known || a.Name == r.Application && (r.Change == "" || changeSQL(a, r.Change) != r.Change)
	}
	if !known {
		t.Errorf("%s %s: no such release is in %s", r.Application, r.Change, applicationsFile)
	}
	if r.Suite.Tests == 0 || r.Suite.Fails != (r.Suite.Failed > 0) {
		t.Errorf("%s %s: a suite of %d tests with %d failures fails: %v", r.Application, r.Change, r.Suite.Tests, r.Suite.Failed, r.Suite.Fails)
	}
}

// TestCountTests has the closing lines of runners, as they print them.
func TestCountTests(t *testing.T) {
	for out, want := range map[string]Suite{
		"Ran 343 tests in 9.9s\n\nOK\n":                                             {Tests: 343},
		"Ran 12 tests in 0.1s\n\nFAILED (failures=2, errors=3, skipped=1)\n":        {Tests: 12, Failed: 5},
		"Ran 12 tests in 0.1s\n\nFAILED (errors=4)\n":                               {Tests: 12, Failed: 4},
		"======= 7 passed, 2 warnings in 3.10s =======\n":                           {Tests: 7},
		"2 failed, 7 passed, 1 error in 3.10s\n":                                    {Tests: 10, Failed: 3},
		"3 errors in 1.0s\n":                                                        {Tests: 3, Failed: 3},
		"\x1b[2m      Tests \x1b[22m \x1b[1m\x1b[32m78 passed\x1b[39m (78)\n":       {Tests: 78},
		"      Tests  3 failed | 75 passed (78)\n":                                  {Tests: 78, Failed: 3},
		"--- PASS: TestA (0.01s)\n    --- PASS: TestA/b (0.01s)\n--- FAIL: TestB\n": {Tests: 2, Failed: 1},
		"9 runs, 20 assertions, 1 failures, 2 errors, 0 skips\n":                    {Tests: 9, Failed: 3},
	} {
		if got := parseSuiteOutput(out); got != want {
			t.Errorf("%q: %+v, not %+v", out, got, want)
		}
	}
}

// TestReadMigcheck has the forms of migcheck's answer.
func TestReadMigcheck(t *testing.T) {
	for _, c := range []struct {
		out  string
		exit int
		want Level
		says string
	}{
		{"PASS: all 9 statements from a still work after b's migrations.\n", 0, LevelSafe, ""},
		{"PASS WITH WARNING: all 9.\n\nSchema probes: 1 change in b's schema might break a.\n", 0, LevelWarning, "schema probe"},
		{"Skipped 1 statements. Most common errors:\n    [23505] x (1)\n\nFAIL: 2 statements break:\n\n  [23514] y\n", 1, LevelError, "23514"},
		{"FAIL: 2 statements break:\n\n  api_check.tags\n      [42703] z (2)\n", 1, LevelError, "42703"},
		{"", 2, LevelNone, ""},
	} {
		if level, says := rateMigcheck(c.out, c.exit); level != c.want || says != c.says {
			t.Errorf("%q: %s %q, not %s %q", c.out, level, says, c.want, c.says)
		}
	}
}

// TestReadSeconds has the files of both versions of control groups.
func TestReadSeconds(t *testing.T) {
	for text, want := range map[string]float64{"2500000000\n": 2.5, "usage_usec 2500000\nuser_usec 1\n": 2.5} {
		if got, err := parseCPUSeconds(text); err != nil || got != want {
			t.Errorf("parseCPUSeconds(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
}
