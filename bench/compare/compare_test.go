//go:build unix

package compare

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/onward-sql/onward/bench/cost"
	"github.com/onward-sql/onward/bench/measure"
	"github.com/onward-sql/onward/bench/table"
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
	exceed := func(name string) time.Duration {
		return time.Duration((table.FindLimit(name).Value + 0.01) * float64(time.Second))
	}
	squawk := cost.Usage{Wall: time.Second, CPU: time.Second, Peak: 40 << 20}
	few, large := corpus{files: 5000}, corpus{files: 50000}
	for _, test := range []struct {
		name   string
		onward cost.Usage
		missed bool
	}{
		{"all kept", cost.Usage{Wall: time.Second, CPU: time.Second, Peak: 199 << 20}, false},
		{"wall", cost.Usage{Wall: exceed("check/wall"), CPU: time.Second, Peak: 1}, true},
		{"CPU", cost.Usage{Wall: 100 * time.Millisecond, CPU: exceed("check/cpu"), Peak: 1}, true},
		{"memory", cost.Usage{Wall: 100 * time.Millisecond, CPU: time.Second, Peak: 201 << 20}, true},
	} {
		var b measure.Bench
		if printSquawkComparison(&b, few, test.onward, squawk); b.Missed != test.missed {
			t.Errorf("%s: missed = %v", test.name, b.Missed)
		}
	}
	second := cost.Usage{Wall: time.Second, CPU: time.Second}
	for factor, missed := range map[int]bool{14: false, 15: true} {
		var b measure.Bench
		if printGrowth(&b, few, large, second, cost.Usage{Wall: time.Duration(factor) * time.Second, CPU: time.Second}); b.Missed != missed {
			t.Errorf("%d times the time for ten times the files: missed = %v", factor, b.Missed)
		}
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
	c := surveyCorpus(dir, "given")
	if c.files != 2 || c.bytes != 20 {
		t.Fatalf("survey: %+v", c)
	}
	c.generated = true
	reads := func(onward, squawk string) error {
		pair := toolPair{
			onward: tool{name: "onward", binary: script(t, "echo '"+onward+"'; exit 1"), fine: []int{1}},
			squawk: tool{name: "squawk", binary: script(t, "echo '"+squawk+"'"), fine: []int{0}},
		}
		pair.onward.args = func(c corpus) ([]string, string) { return nil, c.path }
		return measure.Catch(func() { pair.checkSameInput(&measure.Bench{Context: t.Context()}, c) })
	}
	const report = `{"summary":{"migrations":2,"statements":2}}`
	for _, output := range []string{"Found 5 issues in 1 file (checked 2 source files)", "Found 0 issues in 2 files"} {
		if err := reads(report, output); err != nil {
			t.Errorf("2 files, and squawk prints %q: %v, want no error", output, err)
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
	if n := parseAll(dir); n != 2 {
		t.Errorf("%d statements, want 2", n)
	}
	if err := measure.Catch(func() { parseAll(filepath.Join(dir, "gone")) }); err == nil {
		t.Error("a directory that is not there was parsed")
	}
}

func TestServers(t *testing.T) {
	t.Parallel()
	const databases = "BenchmarkNewDatabase/18-16      20	  45000000 ns/op\n--- SKIP: BenchmarkStart/17\n"
	for out, missed := range map[string]bool{
		"": false, databases: false,
		"goos: linux\nBenchmarkStart/13-2         	      20	 212345678 ns/op\n" + databases:                           false,
		"BenchmarkStart/13-2   20	 212345678 ns/op\nBenchmarkStart/18   20	 600000000.5 ns/op	 12 B/op\n" + databases: true,
		"BenchmarkNewDatabase/18-16      20	  145000000 ns/op\n":                                                      true,
	} {
		var b measure.Bench
		if printServers(&b, out); b.Missed != missed {
			t.Errorf("missed = %v:\n%s", b.Missed, out)
		}
	}
}
