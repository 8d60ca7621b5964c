package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/onward-sql/onward/internal/confine"
)

// canRestart is set if the main function of this program calls [RunChild].
var canRestart atomic.Bool

// RunChild must be called at the beginning of a program's main function: [Start] starts the program again as the first process of a command's
// namespaces. There it does that process's work, and does not return. Without the call commands get no namespaces.
func RunChild() {
	if os.Args[0] == childName || os.Args[0] == childProgram {
		os.Exit(runChild())
	}
	canRestart.Store(true)
}

// runChild puts up the walls, runs the command, and returns its exit code. All other processes of the namespaces end with this one.
func runChild() int {
	unix.CloseOnExec(parentDescriptor)
	file := os.NewFile(parentDescriptor, "parent")
	conn, err := net.FileConn(file)
	if err != nil {
		return 1
	}
	file.Close()
	in, out := json.NewDecoder(conn), json.NewEncoder(conn)
	cfg := &childConfig{}
	if err := in.Decode(cfg); err != nil {
		return 1
	}
	socket, err := prepareNamespaces(cfg)
	if err != nil {
		_ = out.Encode(childReady{Error: err.Error()})
		return 1
	}
	pid := 0
	confine.OnOwnThread(func() {
		s := &Sandbox{access: Access{Port: cfg.Port, Network: cfg.Network, abi: cfg.ABI, noListener: cfg.NoListener}, isolated: true}
		listener, err := s.restrictThread(cfg.Rules)
		if err == nil {
			err = sendReady(conn.(*net.UnixConn), s.gaps, listener, socket)
		}
		if err != nil {
			_ = out.Encode(childReady{Error: err.Error()})
			return
		}
		var mayStart bool
		if in.Decode(&mayStart) != nil || !mayStart {
			return
		}
		_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) // the command must not use this process's memory, also without Landlock
		pid, err = syscall.ForkExec(cfg.Path, cfg.Args, &syscall.ProcAttr{Dir: cfg.Dir, Env: cfg.Env, Files: []uintptr{0, 1, 2}})
		started := childStarted{}
		if err != nil {
			errno := unix.EINVAL
			errors.As(err, &errno)
			started = childStarted{Errno: int(errno), Error: err.Error()}
		}
		_ = out.Encode(started)
	})
	if pid == 0 {
		return 1
	}
	if cfg.Built {
		go enforcePrivateSize(cfg.Root.listPrivateMounts(), pid)
	}
	var ended atomic.Bool
	go func() {
		var discarded any
		_ = in.Decode(&discarded)
		if !ended.Load() { // the parent has gone
			os.Exit(1)
		}
	}()
	status := waitForProcess(pid)
	ended.Store(true)
	_ = out.Encode(childEnded{Status: uint32(status), Left: countProcesses()})
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// prepareNamespaces enters the new root, and makes the socket at which the command finds its database; nil for none.
func prepareNamespaces(cfg *childConfig) (socket *os.File, err error) {
	if !cfg.Built {
		mask := unix.Umask(0o022)
		err = cfg.Root.enterRoot()
		unix.Umask(mask)
		if err == nil && !cfg.Network {
			err = raiseLoopback()
		}
		if err != nil {
			return nil, err
		}
	}
	if !cfg.Network && cfg.Port != 0 {
		l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: loopback.AsSlice(), Port: int(cfg.Port)})
		if err != nil {
			return nil, err
		}
		defer l.Close() //nolint:errcheck // the copy of its socket stays
		if socket, err = l.File(); err != nil {
			return nil, err
		}
	}
	return socket, lowerLimits(0, cfg.Mark)
}

// raiseLoopback makes the addresses of this machine work in a new network namespace.
func raiseLoopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request); err != nil {
		return fmt.Errorf("raise the loopback interface: %w", err)
	}
	return nil
}

// sendReady sends the parent what it needs: the filter's listener, if it is no -1, and the socket of the database, if there is one.
func sendReady(conn *net.UnixConn, gaps []string, listener int, socket *os.File) error {
	var fds []int
	if listener >= 0 {
		fds = append(fds, listener)
		defer unix.Close(listener)
	}
	if socket != nil {
		fds = append(fds, int(socket.Fd()))
		defer socket.Close()
	}
	text, err := json.Marshal(childReady{Gaps: gaps, Asks: listener >= 0})
	if err != nil {
		return err
	}
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	_, _, err = conn.WriteMsgUnix(append(text, '\n'), rights, nil)
	return err
}

// waitForProcess waits for a process, and for all orphans until then.
func waitForProcess(pid int) (status unix.WaitStatus) {
	for {
		ended, err := unix.Wait4(-1, &status, 0, nil)
		if ended == pid || err != nil && !errors.Is(err, unix.EINTR) {
			return status
		}
	}
}

// countProcesses returns how many processes there are beside this one.
func countProcesses() (count int) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && pid != os.Getpid() && !isZombie(pid) {
			count++
		}
	}
	return count
}
