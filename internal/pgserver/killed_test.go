//go:build unix

package pgserver

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/onward-sql/onward/onward"
)

// startChild starts this test as another process (see child), and gives the directory
// that it has made.
func startChild(t *testing.T, arg string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "ONWARD_TEST_CHILD="+arg)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil { // the test failed before it ended it
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	dir := strings.TrimSpace(line)
	if err != nil || !filepath.IsAbs(dir) {
		t.Fatalf("the child says %q, %v", line, err)
	}
	return cmd, dir
}

// A process that is killed cannot clean up; its watchdog does, while a query is running with parallel workers.
func TestParentKilled(t *testing.T) {
	t.Parallel()
	for _, major := range []int{onward.OldestMajor, onward.NewestMajor} {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			t.Parallel()
			server(t, Config{Major: major}) // so that the child finds it
			cmd, dir := startChild(t, strconv.Itoa(major))
			pid, segment := postmaster(t, dir)
			time.Sleep(time.Second) // until the query runs
			ownMemory(t, pid)
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // it was killed
			gone(t, dir, segment)
		})
	}
}

// onlyMaking is a child that has made a server's directory, and goes no further.
const onlyMaking = "making"

// Before there is a watchdog another shell removes what is there.
func TestParentKilledWhileMaking(t *testing.T) {
	t.Parallel()
	cmd, dir := startChild(t, onlyMaking)
	if !pathExists(dir) {
		t.Fatalf("the child made no %s", dir)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	gone(t, dir, "")
}

// A server that dies by itself leaves a clear error and nothing else, even if nobody calls Stop.
func TestServerKilled(t *testing.T) {
	t.Parallel()
	s := server(t, Config{})
	conn := connect(t, s.URL("postgres"))
	pid, segment := postmaster(t, s.private.dir)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(context.Background(), "SELECT pg_sleep(30)"); err == nil {
		t.Error("the query succeeded on a dead server")
	}
	gone(t, s.private.dir, segment)
	var died *ServerError
	if err := s.Err(); !errors.As(err, &died) || !strings.Contains(err.Error(), "died") {
		t.Errorf("Err() = %v", err)
	}
	if _, err := s.NewDatabase(context.Background(), ""); !errors.As(err, &died) {
		t.Errorf("NewDatabase on a dead server: %v", err)
	}
}

// If it is the watchdog that gets killed, Stop does its work.
func TestWatchdogKilled(t *testing.T) {
	t.Parallel()
	s := server(t, Config{})
	_, segment := postmaster(t, s.private.dir)
	if err := s.process.watchdog.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, s.URL("postgres"), "SELECT 'up'"); got != "up" {
		t.Errorf("got %q", got)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	gone(t, s.private.dir, segment)
}
