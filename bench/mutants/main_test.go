package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A package with one tested and one untested function: faults of the first are noticed, and no test reaches the second.
func TestTryPackage(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.com/m\n\ngo 1.24\n",
		"m.go": `package m

func isBetween(n, low, high int) bool {
	if n < low && low < high || n > high {
		return false
	}
	return true
}

func countLeft(list []int) (out int) {
	for _, n := range list {
		if n > 0 {
			continue
		}
		out++
	}
	return out
}
`,
		"m_test.go": `package m

import "testing"

func TestIsBetween(t *testing.T) {
	for n, want := range map[int]bool{1: false, 2: true, 5: true, 6: false} {
		if isBetween(n, 2, 5) != want {
			t.Errorf("isBetween(%d, 2, 5) = %t, want %t", n, !want, want)
		}
	}
}
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	got, err := settings{limit: time.Minute}.mutatePackage(".")
	if err != nil {
		t.Fatal(err)
	}
	// Faults: if, both sides of ||, both sides of &&, two returns; if, continue, ++ in the function that no test calls.
	if got.sites != 10 || got.tried != 10 || got.noticed != 7 {
		t.Errorf("mutatePackage = %+v, want 10 sites, 10 tried, 7 noticed", got)
	}
}

// A fault that makes a loop endless is noticed by the time limit. Tests that fail after the sample, without a fault, end the run with an error: here they
// count their runs in a file, and the fourth one fails.
func TestTryPackageLate(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.com/m\n\ngo 1.24\n",
		"m.go":   "package m\n\nfunc halve(n int) int {\n\tfor n > 1 {\n\t\tn /= 2\n\t}\n\treturn n\n}\n",
		"m_test.go": `package m

import (
	"os"
	"testing"
)

func TestHalve(t *testing.T) {
	runs, _ := os.ReadFile("runs")
	if err := os.WriteFile("runs", append(runs, 'x'), 0o600); err != nil || len(runs) == 3 && os.Getenv("FAIL_LATER") != "" {
		t.Fatal("the fourth run")
	}
	if halve(9) != 1 {
		t.Error("halve(9) is not 1")
	}
}
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	got, err := settings{limit: 2 * time.Second}.mutatePackage(".")
	if err != nil || got.tried != 1 || got.noticed != 1 || got.late != 1 {
		t.Errorf("mutatePackage = %+v, %v, want 1 tried, 1 noticed, 1 late", got, err)
	}
	if err := os.Remove("runs"); err != nil {
		t.Fatal(err)
	}
	t.Setenv("FAIL_LATER", "1")
	if _, err := (settings{limit: 2 * time.Second}).mutatePackage("."); err == nil {
		t.Error("tests that fail without a fault are accepted")
	}
}
