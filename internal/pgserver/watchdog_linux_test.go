package pgserver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A server that ends in its first instants, after onward was killed, cannot remove its shared memory, and nothing in its directory names it. The
// watchdog finds it by its creator, and leaves the memory of others alone.
func TestSegmentOfEndedServer(t *testing.T) {
	t.Parallel()
	server, segment := makeSegment(t)
	_, other := makeSegment(t)
	dir := t.TempDir()
	script := filepath.Join(dir, "watchdog.sh")
	if err := os.WriteFile(script, []byte(watchdog), 0o600); err != nil {
		t.Fatal(err)
	}
	exitReader, exitWriter, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	exitWriter.Close()
	private := filepath.Join(dir, "private")
	if err := os.MkdirAll(filepath.Join(private, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", script, private, private)
	cmd.Stdin = strings.NewReader(fmt.Sprintf("server %d 0\n", server))
	cmd.ExtraFiles = []*os.File{exitReader, exitReader}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("run the watchdog: %v\n%s", err, out)
	}
	if isUnusedSegment(segment, account{}) {
		t.Error("the segment of the ended server stays")
	}
	if !isUnusedSegment(other, account{}) {
		t.Error("the segment of another program is gone")
	}
}

// makeSegment makes shared memory as a short process, and returns the process.
func makeSegment(t *testing.T) (pid int, id string) {
	t.Helper()
	cmd := exec.Command("ipcmk", "-M", "56")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	id = strings.TrimSpace(string(out)[strings.LastIndex(string(out), ":")+1:])
	t.Cleanup(func() { _ = exec.Command("ipcrm", "-m", id).Run() })
	return cmd.ProcessState.Pid(), id
}
