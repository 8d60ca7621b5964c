package jsrun

import (
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// probeName and filesName are the names of this program as a child that tries what no migration may: inside all
// walls, and inside Landlock alone.
const probeName, filesName = "onward-probe", "onward-probe-files"

func init() {
	switch os.Args[0] {
	case probeName:
		probeHost(confineChild())
	case filesName:
		probeHost(nil)
	}
}

// probeHost tries to reach the host, and prints what it could do.
func probeHost(gaps []string) {
	done := gaps
	note := func(action string, err error) {
		if err == nil {
			done = append(done, action)
		}
	}
	_, err := os.ReadFile("/etc/passwd")
	note("read a file", err)
	_, err = os.ReadDir("/")
	note("list a directory", err)
	note("write a file", os.WriteFile("/tmp/onward-probe", nil, 0o600))
	if os.Args[0] == probeName {
		_, err = net.Dial("udp", "127.0.0.1:53")
		note("use the network", err)
		_, err = net.Listen("unix", "@onward-probe")
		note("listen", err)
		note("start a program", exec.Command("/bin/true").Run())
		note("replace itself", syscall.Exec("/bin/true", []string{"true"}, nil))
		note("signal its parent", syscall.Kill(os.Getppid(), 0))
		_, _, errno := syscall.RawSyscall(unix.SYS_FORK, 0, 0, 0)
		note("fork", nilIfZero(errno))
		_, err = unix.MemfdCreate("x", 0)
		note("make a file of memory", err)
		note("trace", unix.PtraceAttach(os.Getppid()))
		note("raise a limit", unix.Setrlimit(unix.RLIMIT_CPU, &unix.Rlimit{Cur: 1000, Max: 1000}))
	}
	_ = json.NewEncoder(os.Stdout).Encode(append([]string{"answered"}, done...))
	os.Exit(0)
}

func nilIfZero(errno syscall.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}

// TestChildWalls: the process in which migrations run reaches neither files nor the network nor other processes.
func TestChildWalls(t *testing.T) {
	for _, name := range []string{probeName, filesName} {
		in, out, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		child, err := startProcess(name, []*os.File{os.Stdin, out, os.Stderr})
		if err != nil {
			t.Fatal(err)
		}
		_ = out.Close()
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := child.Wait(); err != nil {
			t.Fatal(err)
		}
		var done []string
		if err := json.Unmarshal(text, &done); err != nil {
			t.Fatalf("%s does not answer with a list: %v: %q", name, err, text)
		}
		if !slices.Equal(done, []string{"answered"}) {
			t.Errorf("%s: process %s could: %q", name, strconv.Itoa(child.Pid), done)
		}
	}
}
