package pgserver

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// start starts the server such that its processes can do next to nothing: see landlock and filter. gaps tell what
// this kernel does not hold. files are the descriptors 0, 1, ….
//
// What confines is an attribute of a thread, which its children inherit. So a thread of its own takes it on, starts
// the server and ends. No other program needs to lie where the server's account could execute it, and nothing else
// of this process is confined.
func (c command) start(files []*os.File) (server *os.Process, gaps []string, err error) {
	var pid int
	onOwnThread(func() { pid, gaps, err = c.fork(files) })
	if err != nil {
		return nil, nil, err
	}
	// The number is the child's until somebody waits for it, which is done through what this returns.
	server, err = os.FindProcess(pid)
	return server, gaps, err
}

// onOwnThread runs f on a thread that nothing else runs on, then or ever.
func onOwnThread(f func()) {
	done := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == os.Getpid() {
			// The first thread stands for the process, and would not end: another one, while this is taken.
			onOwnThread(f)
			runtime.UnlockOSThread()
		} else {
			f() // and never unlocked: the thread ends with the goroutine
		}
		close(done)
	}()
	<-done
}

// fork confines the calling thread and starts the server from it.
func (c command) fork(files []*os.File) (pid int, gaps []string, err error) {
	attr := &syscall.ProcAttr{Dir: c.data, Env: c.environment(), Sys: c.acct.attributes()}
	for _, f := range files {
		attr.Files = append(attr.Files, f.Fd())
	}
	if !c.unconfined {
		forgetDescriptors()
		if gaps, err = c.confine(); err != nil {
			return 0, nil, err
		}
	}
	pid, err = syscall.ForkExec(c.program(), c.args(), attr)
	runtime.KeepAlive(files)
	if err != nil {
		return 0, nil, fmt.Errorf("%s: %w", c.program(), err)
	}
	return pid, gaps, nil
}

// forgetDescriptors makes the calling thread's children inherit no files but those that they are given. Ours are
// closed by themselves; those that whoever started this process left open are not.
func forgetDescriptors() {
	if unix.Unshare(unix.CLONE_FILES) == nil {
		_ = unix.CloseRange(3, ^uint(0)>>33, unix.CLOSE_RANGE_CLOEXEC)
	}
}

// confine restricts the calling thread and what it will start. What the kernel cannot do is a gap, not an error.
func (c command) confine() (gaps []string, err error) {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return []string{fmt.Sprintf("the server is not confined (no_new_privs: %v): a migration that becomes superuser in it can do all that %s may", err, c.who())}, nil
	}
	alone := c.statisticsSocket() && ownNetwork()
	gap, err := c.landlock()
	if err != nil {
		return nil, fmt.Errorf("confine the server: %w", err)
	}
	if gap != "" {
		gaps = append(gaps, gap)
	}
	switch err := filterCalls(c.statisticsSocket()); {
	case errors.Is(err, errNoFilter) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM):
		gaps = append(gaps, fmt.Sprintf("the server's system calls are not filtered (%v): a migration that becomes superuser in it can use the network", err))
	case err != nil:
		return nil, fmt.Errorf("confine the server: %w", err)
	case c.statisticsSocket() && !alone:
		gaps = append(gaps, fmt.Sprintf("Postgres %d needs a datagram socket for its statistics: a migration that becomes superuser in it can send datagrams", c.install.Major))
	}
	return gaps, nil
}

func (c command) who() string {
	if c.acct.dropped() {
		return c.acct.name
	}
	return "you"
}

// statisticsSocket: up to 14 the server's processes send statistics to each other as datagrams on 127.0.0.1.
func (c command) statisticsSocket() bool { return c.install.Major < 15 }

// ownNetwork moves the calling thread to a network of its own, which has nothing but 127.0.0.1, where it is allowed
// to (root mostly is).
func ownNetwork() bool {
	if os.Geteuid() != 0 || unix.Unshare(unix.CLONE_NEWNET) != nil {
		return false
	}
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return true
	}
	defer unix.Close(s)
	if lo, err := unix.NewIfreq("lo"); err == nil {
		lo.SetUint16(unix.IFF_UP)
		_ = unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo) // without it Postgres says that it has no statistics
	}
	return true
}
