//go:build linux

package capture

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/onward"
)

// runUntilKilled is a process that captures a command which never ends. The tests kill it.
func runUntilKilled(script string) error {
	ctx := context.Background()
	s, err := startStage(ctx, onward.NewestMajor, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { _ = s.server.Stop() }()
	database, err := s.server.NewDatabase(ctx, "")
	if err != nil {
		return err
	}
	_, err = s.runCommand(ctx, database, Command{Words: []string{"sh", "-c", script}, Dir: os.TempDir()})
	return err
}

// listProcesses returns the processes with a text in their command line or environment.
func listProcesses(t *testing.T, text string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, dir := range files {
		line, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		env, _ := os.ReadFile(filepath.Join(dir, "environ"))
		if bytes.Contains(line, []byte(text)) || bytes.Contains(env, []byte(text)) {
			out = append(out, dir+" "+string(bytes.ReplaceAll(line, []byte{0}, []byte(" "))))
		}
	}
	return out
}

// TestKilled: if onward is killed, neither the command nor what it started nor the server stays, and the next run removes the
// directories.
func TestKilled(t *testing.T) {
	t.Parallel()
	temporary, err := os.MkdirTemp("", "cap")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(temporary)
	if err := os.Chmod(temporary, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	seconds := fmt.Sprintf("1000%d", os.Getpid())
	script := fmt.Sprintf("sh -c 'setsid sleep %s & sleep %s & wait' & sleep %s & wait", seconds, seconds, seconds)
	child := exec.CommandContext(t.Context(), os.Args[0], "capture", script)
	child.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "TMPDIR=") }), "TMPDIR="+temporary)
	var talk bytes.Buffer
	child.Stderr = &talk
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor := func(label string, condition func() bool) {
		t.Helper()
		for range 600 {
			if condition() {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		left, _ := filepath.Glob(filepath.Join(temporary, "*"))
		t.Fatalf("%s: %q, %q, %q, %s", label, listProcesses(t, "sleep\x00"+seconds), listProcesses(t, temporary), left, talk.String())
	}
	waitFor("the command does not run", func() bool { return len(listProcesses(t, "sleep\x00"+seconds)) == 3 })
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
	waitFor("processes stay", func() bool {
		return len(listProcesses(t, "sleep\x00"+seconds)) == 0 && len(listProcesses(t, temporary)) == 0
	})

	next := exec.CommandContext(t.Context(), os.Args[0], "capture", "true")
	next.Env = child.Env
	if out, err := next.CombinedOutput(); err == nil || !strings.Contains(string(out), "did not connect") {
		t.Fatalf("the next run: %v\n%s", err, out)
	}
	waitFor("directories stay", func() bool {
		left, err := os.ReadDir(temporary)
		return err == nil && len(left) == 0
	})
}
