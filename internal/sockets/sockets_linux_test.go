package sockets

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

// Both ends of a connection on this machine are found, over TCP and over a Unix socket, and who holds them.
// It is not parallel: a child that another test forks holds these sockets until it runs its program.
func TestConnections(t *testing.T) {
	for _, address := range [][2]string{{"tcp4", "127.0.0.1:0"}, {"tcp6", "[::1]:0"}, {"unix", filepath.Join(t.TempDir(), "s")}} {
		l, err := net.Listen(address[0], address[1])
		if err != nil {
			t.Log(err) // a machine without IPv6
			continue
		}
		client, err := net.Dial(address[0], l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		list := NewTree(os.Getpid()).Connections()
		index := slices.IndexFunc(list, func(c Connection) bool {
			if address[0] == "unix" {
				return !c.Local.IsValid()
			}
			return c.Local.String() == client.LocalAddr().String() && c.Remote.String() == l.Addr().String()
		})
		if index < 0 || list[index].PID != os.Getpid() || list[index].Peer == 0 || !Holds(os.Getpid(), list[index].Peer) {
			t.Errorf("%s: the connections are %+v, want both ends held by process %d", address[0], list, os.Getpid())
		}
		if Holds(os.Getppid(), list[max(index, 0)].Peer) {
			t.Errorf("%s: another process holds it", address[0])
		}
		for _, c := range []io.Closer{client, server, l} {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// A process stays in the tree when its parent ends; a signal reaches it and nobody else.
func TestTree(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("sh", "-c", "sleep 600 & sleep 600 & wait")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	other := exec.Command("sleep", "600")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	tree := NewTree(cmd.Process.Pid)
	members := func() int {
		tree.mu.Lock()
		defer tree.mu.Unlock()
		tree.refreshMembers()
		return len(tree.members)
	}
	wait := func(count int) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); members() != count; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d processes, want %d", members(), count)
			}
		}
	}
	wait(3)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	wait(2)
	if n := tree.SignalAll(syscall.SIGTERM); n != 2 {
		t.Errorf("%d processes got the signal", n)
	}
	wait(0)
	if tree.IsAlive() {
		t.Error("the tree is alive")
	}
	if err := other.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("another process was signalled: %v", err)
	}
	_ = other.Process.Kill()
	_ = other.Wait()
}
