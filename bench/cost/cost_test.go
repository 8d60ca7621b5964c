//go:build unix

package cost

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	RunOne()
	os.Exit(m.Run())
}

func TestRunMeasures(t *testing.T) {
	t.Parallel()
	u, err := Run(t.Context(), Command{Name: "sleep", Path: "/bin/sh", Args: []string{"-c", "sleep 0.2; exit 1"}, Fine: []int{0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	if u.Wall < 200*time.Millisecond || u.CPU > u.Wall || u.Peak <= 0 {
		t.Errorf("a sleep of 0.2 s cost %+v", u)
	}
	_, err = Run(t.Context(), Command{Name: "failing", Path: "/bin/sh", Args: []string{"-c", "echo why >&2; exit 4"}, Fine: []int{0, 1}})
	if err == nil || !strings.Contains(err.Error(), "failing") || !strings.Contains(err.Error(), "why") {
		t.Errorf("exit code 4: error %v, want one with the name and what the tool printed", err)
	}
}

// A process that is measured must not be charged for this one's memory.
func TestRunPeakIsTheCommands(t *testing.T) {
	t.Parallel()
	big := bytes.Repeat([]byte{1}, 256<<20)
	u, err := Run(t.Context(), Command{Name: "true", Path: "/bin/sh", Args: []string{"-c", "exit 0"}, Fine: []int{0}})
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
	letter := func(l string) Command {
		return Command{Name: l, Path: "/bin/sh", Args: []string{"-c", `printf %s "$0" >>"$1"`, l, log}, Fine: []int{0}}
	}
	medians, err := InTurn(t.Context(), 2, letter("A"), letter("B"))
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
	runs := []Usage{{Peak: 9}, {Peak: 1}, {Peak: 4}, {Peak: 2}}
	peak := func(u Usage) int64 { return u.Peak }
	if got := medianOf(runs[:3], peak); got != 4 {
		t.Errorf("median of 9 1 4 = %d", got)
	}
	if got := medianOf(runs, peak); got != 3 {
		t.Errorf("median of 9 1 4 2 = %d", got)
	}
}

func TestLimit(t *testing.T) {
	t.Parallel()
	u, err := Run(t.Context(), Command{Name: "loop", Path: "/bin/sh", Args: []string{"-c", "while :; do :; done"}, Limit: time.Second})
	if err != nil || !u.Cut || u.CPU < 500*time.Millisecond {
		t.Errorf("a loop that may take a second: %+v, %v", u, err)
	}
}
