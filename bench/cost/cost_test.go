//go:build unix

package cost

import (
	"bytes"
	"os"
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

func TestLimit(t *testing.T) {
	t.Parallel()
	u, err := Run(t.Context(), Command{Name: "loop", Path: "/bin/sh", Args: []string{"-c", "while :; do :; done"}, Limit: time.Second})
	if err != nil || !u.Cut || u.CPU < 500*time.Millisecond {
		t.Errorf("a loop that may take a second: %+v, %v", u, err)
	}
}
