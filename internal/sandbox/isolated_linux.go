package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/onward-sql/onward/internal/confine"
	"github.com/onward-sql/onward/internal/scratch"
	"github.com/onward-sql/onward/internal/sockets"
)

// startPatience is for how long the walls may be built.
const startPatience = 30 * time.Second

// CheckNamespaces returns why this machine gives a command no namespaces; nil if it does. The machine is asked once.
var CheckNamespaces = sync.OnceValue(func() error {
	if !canRestart.Load() {
		return errors.New("this program does not start itself again")
	}
	cmd := exec.Command("/bin/true")
	s := &Sandbox{ended: make(chan struct{}), mark: confine.NewMark()}
	err := s.startIsolated(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	s.Close()
	return err
})

// privateDirs are directories that the command finds empty, and in which it may write.
func privateDirs() []string {
	out := []string{"/tmp", sharedMemory}
	if home, err := os.UserHomeDir(); err == nil && !isAboveAny(home, systemDirs) {
		out = append(out, home)
	}
	return out
}

// startIsolated starts the program in namespaces of its own. If it fails, nothing of it runs.
func (s *Sandbox) startIsolated(cmd *exec.Cmd) error {
	s.isolated = true
	dir, remove, err := scratch.Make("root")
	if err != nil {
		return err
	}
	defer func() { _ = remove() }() // the root is a mount of the namespaces, which does not need it
	rules := s.listRules(cmd)
	plan := planRoot(rules, privateDirs())
	plan.Dir = dir
	for _, p := range plan.listPrivate() {
		s.writable = append(s.writable, p)
		rules = append(rules, confine.Rule{Path: p, Rights: mayChange})
	}
	cfg := &childConfig{
		Path: cmd.Path, Args: cmd.Args, Env: cmd.Environ(), Dir: cmd.Dir, Root: plan, Rules: rules, Port: s.access.Port,
		Network: s.access.Network, Mark: s.mark, ABI: s.access.abi, NoListener: s.access.noListener,
	}
	conn, err := s.startChild(cmd)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.tree = sockets.NewTree(cmd.Process.Pid)
	s.mu.Unlock()
	if err := s.meetChild(conn, cfg); err != nil {
		conn.Close() //nolint:errcheck // the child is of no use
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // so that its output is closed
		return err
	}
	return nil
}

// startChild starts this program again in new namespaces, and returns the connection to it.
func (s *Sandbox) startChild(cmd *exec.Cmd) (*net.UnixConn, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	own, other := os.NewFile(uintptr(pair[0]), "child"), os.NewFile(uintptr(pair[1]), "parent")
	defer other.Close()
	conn, err := net.FileConn(own)
	own.Close()
	if err != nil {
		return nil, err
	}
	cmd.Path, cmd.Args, cmd.Env, cmd.Dir = "/proc/self/exe", []string{childName}, []string{}, "/"
	cmd.ExtraFiles = []*os.File{other}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	attr := cmd.SysProcAttr
	attr.Pdeathsig = syscall.SIGKILL
	attr.Cloneflags = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS
	if !s.access.Network {
		attr.Cloneflags |= unix.CLONE_NEWNET
	}
	attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}}
	attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}}
	attr.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN, unix.CAP_SETPCAP}
	started := make(chan error)
	go confine.OnOwnThread(func() {
		started <- cmd.Start()
		<-s.ended // the kernel ends the child with the thread that started it
	})
	if err := <-started; err != nil {
		conn.Close() //nolint:errcheck // nobody has the other end
		return nil, err
	}
	return conn.(*net.UnixConn), nil
}

// meetChild tells the child what to do, and takes over what it made.
func (s *Sandbox) meetChild(conn *net.UnixConn, cfg *childConfig) error {
	if err := conn.SetDeadline(time.Now().Add(startPatience)); err != nil {
		return err
	}
	out := json.NewEncoder(conn)
	if err := out.Encode(cfg); err != nil {
		return fmt.Errorf("prepare the command's namespaces: %w", err)
	}
	ready, fds, err := readReady(conn)
	if err != nil {
		return fmt.Errorf("prepare the command's namespaces: %w", err)
	}
	s.gaps = append(s.gaps, ready.Gaps...)
	if ready.Asks && len(fds) > 0 {
		if err := s.startListener(fds[0]); err != nil {
			return err
		}
		fds = fds[1:]
	}
	if len(fds) > 0 {
		if s.forwarder, err = newForwarder(fds[0], s.access.Port); err != nil {
			return err
		}
	}
	if s.access.Require && len(s.gaps) > 0 {
		return &GapsError{s.gaps}
	}
	in := json.NewDecoder(conn)
	started := childStarted{}
	if err := errors.Join(out.Encode(true), in.Decode(&started), conn.SetDeadline(time.Time{})); err != nil {
		return fmt.Errorf("start the command: %w", err)
	}
	if started.Error != "" {
		return &os.PathError{Op: "fork/exec", Path: cfg.Path, Err: syscall.Errno(started.Errno)}
	}
	s.endKnown = make(chan struct{})
	go func() {
		defer close(s.endKnown)
		defer conn.Close()    //nolint:errcheck // the other end has gone
		_ = in.Decode(&s.end) // without it, the namespaces were ended from outside
	}()
	return nil
}

// readReady reads the child's first message, and the open files with it.
func readReady(conn *net.UnixConn) (ready childReady, fds []int, err error) {
	var text []byte
	for !bytes.HasSuffix(text, []byte("\n")) {
		buffer, rights := make([]byte, 64<<10), make([]byte, unix.CmsgSpace(4*4))
		n, nRights, _, _, err := conn.ReadMsgUnix(buffer, rights)
		if err != nil {
			return ready, nil, err
		}
		if n == 0 {
			return ready, nil, errors.New("the first process has ended")
		}
		text = append(text, buffer[:n]...)
		messages, err := unix.ParseSocketControlMessage(rights[:nRights])
		if err != nil {
			return ready, nil, err
		}
		for _, m := range messages {
			list, err := unix.ParseUnixRights(&m)
			if err != nil {
				return ready, nil, err
			}
			for _, fd := range list {
				unix.CloseOnExec(fd)
			}
			fds = append(fds, list...)
		}
	}
	if err := json.Unmarshal(text, &ready); err != nil {
		return ready, fds, err
	}
	if ready.Error != "" {
		return ready, fds, errors.New(ready.Error)
	}
	return ready, fds, nil
}
