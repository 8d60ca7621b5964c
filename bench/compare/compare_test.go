//go:build unix

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/onward-sql/onward/bench/cost"
)

func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tool")
	// A process that another test starts meanwhile would have it open for
	// writing, and nobody could run it.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLimits(t *testing.T) {
	t.Parallel()
	squawk := cost.Usage{Wall: time.Second, CPU: time.Second, Peak: 40 << 20}
	few, many := corpus{files: 5000}, corpus{files: 50000}
	for _, test := range []struct {
		name   string
		onward cost.Usage
		kept   bool
	}{
		{"all kept", cost.Usage{Wall: time.Second, CPU: time.Second, Peak: 199 << 20}, true},
		{"wall", cost.Usage{Wall: 1410 * time.Millisecond, CPU: time.Second, Peak: 1}, false},
		{"CPU", cost.Usage{Wall: 100 * time.Millisecond, CPU: 1260 * time.Millisecond, Peak: 1}, false},
		{"memory", cost.Usage{Wall: 100 * time.Millisecond, CPU: time.Second, Peak: 200 << 20}, false},
	} {
		var out bytes.Buffer
		if kept := printPair(&out, few, test.onward, squawk, squawk); kept != test.kept || kept == strings.Contains(out.String(), "MISSED") {
			t.Errorf("%s: kept = %v\n%s", test.name, kept, &out)
		}
	}
	second := cost.Usage{Wall: time.Second, CPU: time.Second}
	for factor, want := range map[int]bool{14: true, 15: false} {
		var out bytes.Buffer
		if kept := printGrowth(&out, few, many, second, cost.Usage{Wall: time.Duration(factor) * time.Second, CPU: time.Second}); kept != want {
			t.Errorf("%d times the time for ten times the files: kept = %v\n%s", factor, kept, &out)
		}
	}
	var out bytes.Buffer
	printParse(&out, few, 50_000, cost.Usage{Wall: 1600 * time.Millisecond}, second)
	if !strings.Contains(out.String(), "0.500 s") || !strings.Contains(out.String(), "1.60") {
		t.Errorf("the figures beside parsing:\n%s", &out)
	}
	printPace(&out, few, cost.Usage{CPU: 2 * time.Second}, second)
	if !strings.Contains(out.String(), "2.00") {
		t.Errorf("the collector's pace:\n%s", &out)
	}
	if printSmall(&out, corpus{}, cost.Usage{Wall: 21 * time.Millisecond}, squawk) {
		t.Errorf("21 ms for one file is kept\n%s", &out)
	}
}

func TestAgree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"1.sql", "2.sql", "3.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("SELECT 1;\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c, err := surveyCorpus(dir, "given")
	if err != nil || c.files != 2 || c.bytes != 20 {
		t.Fatalf("survey: %+v, %v", c, err)
	}
	c.generated = true
	reads := func(onward, squawk string) error {
		pair := toolPair{
			onward: tool{name: "onward", binary: script(t, "echo '"+onward+"'; exit 1"), fine: []int{1}},
			squawk: tool{name: "squawk", binary: script(t, "echo '"+squawk+"'"), fine: []int{0}},
		}
		pair.onward.args = func(c corpus) ([]string, string) { return nil, c.path }
		return pair.checkSameInput(t.Context(), c)
	}
	const report = `{"summary":{"migrations":2,"statements":2}}`
	for _, said := range []string{"Found 5 issues in 1 file (checked 2 source files)", "Found 0 issues in 2 files"} {
		if err := reads(report, said); err != nil {
			t.Errorf("%s: %v", said, err)
		}
	}
	if err := reads(`{"summary":{"migrations":1,"statements":1}}`, "Found 0 issues in 2 files"); err == nil {
		t.Error("onward left a file out, and nobody noticed")
	}
	if err := reads(report, "Found 5 issues in 1 file (checked 1 source file)"); err == nil {
		t.Error("squawk left a file out, and nobody noticed")
	}
	if err := reads("oops", "Found 0 issues in 2 files"); err == nil {
		t.Error("onward printed no report, and nobody noticed")
	}
}

func TestParseAll(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "1.sql"), []byte("SELECT 1; SELECT FROM WHERE;\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if n, err := parseAll(dir); err != nil || n != 2 {
		t.Errorf("%d statements, %v, want 2", n, err)
	}
	if _, err := parseAll(filepath.Join(dir, "gone")); err == nil {
		t.Error("a directory that is not there was parsed")
	}
}

func TestServers(t *testing.T) {
	t.Parallel()
	figures := serverFigures([]byte(`goos: linux
BenchmarkStart/13-2         	      20	 212345678 ns/op
BenchmarkStart/18         	      20	 600000000.5 ns/op	 12 B/op
BenchmarkNewDatabase/18-16      20	  45000000 ns/op
--- SKIP: BenchmarkStart/17
`))
	want := []serverFigure{{"Start/13", 212345678}, {"Start/18", 600000000}, {"NewDatabase/18", 45000000}}
	if !slices.Equal(figures, want) {
		t.Fatalf("figures %v, want %v", figures, want)
	}
	var out bytes.Buffer
	if printServers(&out, figures) || strings.Count(out.String(), "MISSED") != 1 {
		t.Errorf("a start of 0.6 s is kept, or something else is not\n%s", &out)
	}
	out.Reset()
	if !printServers(&out, figures[2:]) || !printServers(&out, nil) || !strings.Contains(out.String(), "not measured") {
		t.Errorf("a database in 45 ms is missed, or no server is not said\n%s", &out)
	}
}
