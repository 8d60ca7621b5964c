package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
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
func CheckNamespaces() error {
	_, err := chooseNamespaces()
	return err
}

// chooseNamespaces asks whether this program can make namespaces, and else whether bwrap can: where the kernel takes the rights in them from
// most programs, it may leave them to bwrap.
var chooseNamespaces = sync.OnceValues(func() (bwrap bool, err error) {
	if !canRestart.Load() {
		return false, errors.New("this program does not start itself again")
	}
	if err = ownRefusal; err == nil {
		err = tryNamespaces(false)
	}
	if err == nil {
		return false, nil
	}
	if bwrapErr := tryNamespaces(true); bwrapErr != nil {
		return false, fmt.Errorf("%w; %w", err, bwrapErr)
	}
	return true, nil
})

// ownRefusal is for tests: a kernel that lets only bwrap make namespaces refuses this program with it.
var ownRefusal error

// tryNamespaces runs a program in namespaces, and returns what was refused.
func tryNamespaces(bwrap bool) error {
	var output bytes.Buffer
	cmd := exec.Command("/bin/true")
	cmd.Stderr = &output
	s := &Sandbox{ended: make(chan struct{}), mark: confine.NewMark(), bwrap: bwrap}
	err := s.startIsolated(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	s.Close()
	if text := strings.TrimSpace(output.String()); err != nil && bwrap && text != "" {
		return errors.New(text)
	}
	return err
}

// listPrivateDirs are directories that the command finds empty, and in which it may write.
func listPrivateDirs() []string {
	out := []string{"/tmp", sharedMemory}
	if home, err := os.UserHomeDir(); err == nil && !isAboveAny(home, systemDirs) {
		out = append(out, home)
	}
	return out
}

// startIsolated starts the program in namespaces of its own. If it fails, nothing of it runs.
func (s *Sandbox) startIsolated(cmd *exec.Cmd) error {
	s.isolated = true
	rules := s.listRules(cmd)
	plan := planRoot(rules, listPrivateDirs())
	var options []string
	if s.bwrap {
		var err error
		if options, err = s.planBwrap(&plan); err != nil {
			return err
		}
	} else {
		dir, remove, err := scratch.Make("root")
		if err != nil {
			return err
		}
		defer func() { _ = remove() }() // the root is a mount of the namespaces, which does not need it
		plan.Dir = dir
	}
	for _, p := range plan.listPrivateMounts() {
		s.writable = append(s.writable, p)
		rules = append(rules, confine.Rule{Path: p, Rights: mayChange})
	}
	cfg := &childConfig{
		Path: cmd.Path, Args: cmd.Args, Env: cmd.Environ(), Dir: cmd.Dir, Root: plan, Rules: rules, Port: s.access.Port,
		Network: s.access.Network, Mark: s.mark, ABI: s.access.abi, NoListener: s.access.noListener, Built: s.bwrap,
	}
	conn, err := s.startChild(cmd, options)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.tree = sockets.NewTree(cmd.Process.Pid)
	s.mu.Unlock()
	if err := s.configureChild(conn, cfg); err != nil {
		conn.Close() //nolint:errcheck // the child is of no use
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // so that its output is closed
		return err
	}
	return nil
}

// startChild starts this program again in new namespaces, and returns the connection to it. options are for bwrap, if it makes them.
func (s *Sandbox) startChild(cmd *exec.Cmd, options []string) (*net.UnixConn, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	ownFile, other := os.NewFile(uintptr(pair[0]), "child"), os.NewFile(uintptr(pair[1]), "parent")
	defer other.Close()
	conn, err := net.FileConn(ownFile)
	ownFile.Close()
	if err != nil {
		return nil, err
	}
	cmd.Env, cmd.Dir = []string{}, "/"
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	if s.bwrap {
		err = s.startBwrap(cmd, options, other)
	} else {
		err = s.startInNamespaces(cmd, other)
	}
	if err != nil {
		conn.Close() //nolint:errcheck // nobody has the other end
		return nil, err
	}
	return conn.(*net.UnixConn), nil
}

// startInNamespaces starts this program again in new namespaces. It gets the other end of a connection.
func (s *Sandbox) startInNamespaces(cmd *exec.Cmd, other *os.File) error {
	cmd.Path, cmd.Args = "/proc/self/exe", []string{childName}
	cmd.ExtraFiles = []*os.File{other}
	attr := cmd.SysProcAttr
	attr.Cloneflags = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS
	if !s.access.Network {
		attr.Cloneflags |= unix.CLONE_NEWNET
	}
	attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}}
	attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}}
	attr.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN, unix.CAP_SETPCAP}
	return s.startOnThread(cmd)
}

// startOnThread starts a program, which the kernel ends with [Sandbox.Close].
func (s *Sandbox) startOnThread(cmd *exec.Cmd) error {
	started := make(chan error)
	go confine.OnOwnThread(func() {
		started <- cmd.Start()
		<-s.ended // the kernel ends the child with the thread that started it
	})
	return <-started
}

// configureChild tells the child what to do, and takes over what it made.
func (s *Sandbox) configureChild(conn *net.UnixConn, cfg *childConfig) error {
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
	if s.first != nil && ready.Asks {
		if err := s.checkFirstProcess(); err != nil {
			for _, fd := range fds {
				unix.Close(fd)
			}
			return err
		}
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
