package pgserver

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/onward-sql/onward/onward"
)

// startDaemon has the probe start a daemon in a server.
func startDaemon(t *testing.T, s *Server, probe []byte) int {
	t.Helper()
	answers := obey(t, s, probe, "daemon\tdaemon\t\n")
	pid, err := strconv.Atoi(answers["pid"])
	if err != nil || syscall.Kill(pid, 0) != nil {
		t.Fatalf("no daemon: %q", answers)
	}
	return pid
}

// outlives reports whether a process still exists after two seconds, and is not dead.
func outlives(pid int) bool {
	for range 100 {
		if _, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)); err != nil {
			return false
		}
		time.Sleep(20 * time.Millisecond)
	}
	return true
}

// What has left the server's session, directory and files ends with it all the same, by Stop and when the watchdog has
// been killed.
func TestDaemon(t *testing.T) {
	t.Parallel()
	probe := buildProbe(t)
	for _, killed := range []bool{false, true} {
		s := server(t, Config{Small: true})
		pid := startDaemon(t, s, probe)
		if killed {
			if err := s.process.watchdog.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
		if outlives(pid) {
			t.Errorf("the daemon %d outlives the server; watchdog killed: %t", pid, killed)
		}
	}
}

// It ends with the server when it was us who were killed, and when it was us and the watchdog: then the next who
// comes ends it.
func TestDaemonOfKilled(t *testing.T) {
	t.Parallel()
	probe := buildProbe(t)
	acct, err := serverAccount()
	if err != nil {
		t.Fatal(err)
	}
	server(t, Config{Major: onward.NewestMajor}) // so that the child finds it
	for _, both := range []bool{false, true} {
		cmd, dir := startChild(t, strconv.Itoa(onward.NewestMajor))
		s := &Server{private: &privateDir{dir: dir, sockets: filepath.Join(dir, "s")}}
		_, segment := postmaster(t, dir)
		pid := startDaemon(t, s, probe)
		if both {
			cwds, _ := filepath.Glob("/proc/[0-9]*/cwd")
			for _, cwd := range cwds {
				if workingDir, err := os.Readlink(cwd); err == nil && workingDir == dir { // its script runs there, nothing else does
					watchdog, _ := strconv.Atoi(filepath.Base(filepath.Dir(cwd)))
					if err := syscall.Kill(watchdog, syscall.SIGKILL); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		if both {
			if left(dir, segment) == nil {
				t.Fatal("nothing is left for the next")
			}
			cleanUpDeadServers(filepath.Dir(dir), acct)
		}
		gone(t, dir, segment)
		if outlives(pid) {
			t.Errorf("the daemon %d outlives the server; watchdog killed, too: %t", pid, both)
		}
	}
}
