package pgserver

import (
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/onward-sql/onward/internal/confine"
)

// startProcess starts the server so that its processes can do next to nothing: see landlock_linux.go and seccomp_linux.go. gaps lists the
// restrictions that this kernel does not support. files are the descriptors 0, 1, …. ended is closed after the server's end.
//
// The restrictions are attributes of a thread, which its children inherit. So a separate thread applies them to
// itself, starts the server and ends. That avoids a helper program that the server's account could execute, and
// nothing else in this process is restricted.
func (c command) startProcess(files []*os.File, ended <-chan struct{}) (server *os.Process, gaps []string, err error) {
	pid, listener := 0, -1
	confine.OnOwnThread(func() { pid, listener, gaps, err = c.forkServer(files) })
	switch {
	case listener < 0:
	case err == nil:
		err = serveSegments(listener, pid, ended)
	default:
		unix.Close(listener)
	}
	if err != nil {
		return nil, nil, err
	}
	// The process ID stays the child's until somebody waits for it, and only the returned value is used for that.
	server, err = os.FindProcess(pid)
	return server, gaps, err
}

// forkServer restricts the calling thread and starts the server from it.
func (c command) forkServer(files []*os.File) (pid, listener int, gaps []string, err error) {
	listener = -1
	attr := &syscall.ProcAttr{Dir: c.data, Env: c.environment(), Sys: c.acct.sysProcAttr()}
	for _, f := range files {
		attr.Files = append(attr.Files, f.Fd())
	}
	if !c.unconfined {
		listener, gaps, err = c.restrictThread()
	}
	if err != nil {
		return 0, listener, nil, err
	}
	pid, err = syscall.ForkExec(c.program(), c.args(), attr)
	runtime.KeepAlive(files)
	if err != nil {
		return 0, listener, nil, fmt.Errorf("%s: %w", c.program(), err)
	}
	return pid, listener, gaps, nil
}

// restrictThread restricts the calling thread and its future children. What the kernel does not support is a gap, not an
// error. listener is for [serveSegments].
func (c command) restrictThread() (listener int, gaps []string, err error) {
	if err := confine.ForbidNewPrivileges(); err != nil {
		confine.ForgetDescriptors()
		return -1, []string{fmt.Sprintf("the server is not confined (no_new_privs: %v): a migration that becomes superuser in it can do all that %s may", err,
			c.accountName())}, nil
	}
	listener = installSegmentFilter()
	confine.ForgetDescriptors() // after it: from here on the thread's files are its own
	alone := c.statisticsSocket() && isolateNetwork()
	gap, err := c.restrictFiles()
	if err != nil {
		return listener, nil, fmt.Errorf("confine the server: %w", err)
	}
	if gap != "" {
		gaps = append(gaps, gap)
	}
	switch err = installCallFilter(c.statisticsSocket()); {
	case confine.IsUnsupported(err):
		gaps = append(gaps, fmt.Sprintf("the server's system calls are not filtered (%v): a migration that becomes superuser in it can use the network", err))
	case err != nil:
		return listener, nil, fmt.Errorf("confine the server: %w", err)
	case c.statisticsSocket() && !alone:
		gaps = append(gaps, fmt.Sprintf("Postgres %d needs a datagram socket for its statistics: a migration that becomes superuser in it can send datagrams",
			c.install.Major))
	}
	if err == nil && listener < 0 {
		gaps = append(gaps, fmt.Sprintf("this kernel lets no filter ask about shared memory: a migration that becomes superuser in the server can "+
			"attach segments of %s", c.accountName()))
	}
	return listener, gaps, nil
}

func (c command) accountName() string {
	if c.acct.switchesUser() {
		return c.acct.name
	}
	return "you"
}

// statisticsSocket reports whether the server's processes send statistics to each other as datagrams on 127.0.0.1,
// as they do up to 14.
func (c command) statisticsSocket() bool { return c.install.Major < 15 }

// isolateNetwork moves the calling thread to a network namespace of its own, which has only 127.0.0.1. It reports
// whether that is allowed (to root it mostly is).
func isolateNetwork() bool {
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
		_ = unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo) // without it Postgres reports that it has no statistics
	}
	return true
}
