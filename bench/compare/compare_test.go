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
)

func TestMain(m *testing.M) {
	runOne()
	os.Exit(m.Run())
}

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

func TestRunMeasures(t *testing.T) {
	t.Parallel()
	u, err := run(t.Context(), command{Name: "sleep", Path: script(t, "sleep 0.2; exit 1"), Fine: []int{0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	if u.Wall < 200*time.Millisecond || u.CPU > u.Wall || u.Peak <= 0 {
		t.Errorf("a sleep of 0.2 s cost %+v", u)
	}
	_, err = run(t.Context(), command{Name: "failing", Path: script(t, "echo why >&2; exit 4"), Fine: []int{0, 1}})
	if err == nil || !strings.Contains(err.Error(), "failing") || !strings.Contains(err.Error(), "why") {
		t.Errorf("exit code 4: error %v, want one with the name and what the tool printed", err)
	}
}

// A process that is measured must not be charged for this one's memory.
func TestRunPeakIsTheCommands(t *testing.T) {
	t.Parallel()
	big := bytes.Repeat([]byte{1}, 256<<20)
	u, err := run(t.Context(), command{Name: "true", Path: script(t, "exit 0"), Fine: []int{0}})
	if err != nil {
		t.Fatal(err)
	}
	if u.Peak > int64(len(big))/2 {
		t.Errorf("a shell that does nothing had %d MB", u.Peak>>20)
	}
}

func TestInTurn(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "log")
	tool := script(t, `printf %s "$1" >>"$2"`)
	letter := func(l string) command { return command{Name: l, Path: tool, Args: []string{l, log}, Fine: []int{0}} }
	medians, err := inTurn(t.Context(), 2, letter("A"), letter("B"))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(log); string(got) != "ABABAB" {
		t.Errorf("order %q, want ABABAB: a warm-up and two rounds", got)
	}
	if len(medians) != 2 || medians[0].Wall <= 0 || medians[1].Wall <= 0 {
		t.Errorf("medians %+v", medians)
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	runs := []usage{{Peak: 9}, {Peak: 1}, {Peak: 4}, {Peak: 2}}
	peak := func(u usage) int64 { return u.Peak }
	if got := median(runs[:3], peak); got != 4 {
		t.Errorf("median of 9 1 4 = %d", got)
	}
	if got := median(runs, peak); got != 3 {
		t.Errorf("median of 9 1 4 2 = %d", got)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	squawk := usage{Wall: time.Second, CPU: time.Second, Peak: 40 << 20}
	few, many := corpus{files: 5000}, corpus{files: 50000}
	for _, test := range []struct {
		name   string
		onward usage
		kept   bool
	}{
		{"all kept", usage{Wall: 500 * time.Millisecond, CPU: time.Second, Peak: 149 << 20}, true},
		{"wall", usage{Wall: 510 * time.Millisecond, CPU: time.Second, Peak: 1}, false},
		{"CPU", usage{Wall: 100 * time.Millisecond, CPU: 1010 * time.Millisecond, Peak: 1}, false},
		{"memory", usage{Wall: 100 * time.Millisecond, CPU: time.Second, Peak: 150 << 20}, false},
	} {
		var out bytes.Buffer
		if kept := printPair(&out, few, test.onward, squawk, squawk); kept != test.kept || kept == strings.Contains(out.String(), "MISSED") {
			t.Errorf("%s: kept = %v\n%s", test.name, kept, &out)
		}
	}
	second := usage{Wall: time.Second, CPU: time.Second}
	for factor, want := range map[int]bool{11: true, 12: false} {
		var out bytes.Buffer
		if kept := printGrowth(&out, few, many, second, usage{Wall: time.Duration(factor) * time.Second, CPU: time.Second}); kept != want {
			t.Errorf("%d times the time for ten times the files: kept = %v\n%s", factor, kept, &out)
		}
	}
	for factor, want := range map[float64]bool{1.4: true, 1.6: false} {
		var out bytes.Buffer
		whole := usage{Wall: time.Duration(factor * float64(time.Second))}
		if kept := printParse(&out, few, 50_000, whole, second); kept != want || !strings.Contains(out.String(), "0.500 s") {
			t.Errorf("%.1f times the parsing: kept = %v\n%s", factor, kept, &out)
		}
		out.Reset()
		made := corpus{files: 5000, generated: true}
		if !printParse(&out, made, 50_000, whole, second) || !strings.Contains(out.String(), "0.500 s") {
			t.Errorf("the generated corpus has no limit\n%s", &out)
		}
	}
	var out bytes.Buffer
	if printSmall(&out, corpus{}, usage{Wall: 21 * time.Millisecond}, squawk) {
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
	c, err := survey(dir, "given")
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
		return pair.agree(t.Context(), c)
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
