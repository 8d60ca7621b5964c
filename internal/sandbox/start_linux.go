package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/onward-sql/onward/internal/confine"
	"github.com/onward-sql/onward/internal/sockets"
)

// Sandbox confines a program that was started in it.
type Sandbox struct {
	access Access
	gaps   []string // sentences about what is not confined
	// writable are the real paths of Access.Write.
	writable []string

	ended     chan struct{} // closed to let the program's parent thread end
	wake      *os.File      // closed to end the listener
	listening chan struct{} // closed when the listener has ended; nil without one

	// mark is on all processes of the program, if limitErr is nil.
	mark     uint64
	limitErr error

	// isolated is set if the program is in namespaces of its own. forwarder passes connections on from there; nil without a database.
	isolated  bool
	forwarder *forwarder
	// bwrap is set if bubblewrap makes the namespaces. first is their first process then.
	bwrap bool
	first *os.File
	// endKnown is closed when end says how the program ended; nil without namespaces.
	endKnown chan struct{}
	end      childEnded

	mu      sync.Mutex
	tree    *sockets.Tree
	refused []string // what the program tried to connect to in vain
}

// Start starts a program that is confined, and which the kernel ends if this process ends. [Sandbox.Close] must be called after its
// end. If it does not start, the error comes from cmd.Start.
//
// If the machine allows it, the program has a root directory, processes and a network of its own. The first process there is this program
// again: see [RunChild].
func Start(cmd *exec.Cmd, a Access) (*Sandbox, error) {
	s := &Sandbox{access: a, ended: make(chan struct{}), mark: a.Mark}
	if s.mark == 0 {
		s.mark = confine.NewMark()
	}
	for _, dir := range a.Write {
		s.writable = append(s.writable, followLinks(dir)...)
	}
	var err error
	s.bwrap, err = chooseNamespaces()
	if a.noNamespaces {
		err = errors.New("a test")
	}
	if err == nil {
		err = s.startIsolated(cmd)
		if err == nil {
			return s, nil
		}
		if !errors.Is(err, errManyMounts) {
			s.Close()
			return nil, err
		}
		s.isolated, s.bwrap = false, false
	}
	s.gaps = append(s.gaps, fmt.Sprintf("this machine gives it no namespaces (%v), so it can list other processes with their arguments and see that "+
		"files exist which it cannot read, and its bounds of memory and of loopback addresses are weaker", err))
	if err := s.startConfined(cmd); err != nil {
		return nil, err
	}
	return s, nil
}

// startConfined starts the program on this machine's own files, processes and network. The restrictions apply to a thread, which starts the
// program and waits for Close.
func (s *Sandbox) startConfined(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	started, limited, running := make(chan error), make(chan struct{}), make(chan struct{})
	cmd.SysProcAttr.Ptrace = canTrace()
	go confine.OnOwnThread(func() {
		listener, err := s.restrictThread(s.listRules(cmd))
		if err == nil && listener >= 0 {
			err = s.startListener(listener)
		}
		if err == nil && s.access.Require && len(s.gaps) > 0 {
			err = &GapsError{s.gaps}
		}
		if err == nil {
			err = cmd.Start()
		}
		started <- err
		<-limited
		if err == nil && cmd.SysProcAttr.Ptrace {
			continueTraced(cmd.Process.Pid)
		}
		close(running)
		<-s.ended // the kernel ends the program with the thread that started it
	})
	if err := <-started; err != nil {
		close(limited)
		s.Close()
		return err
	}
	s.limitErr = lowerLimits(cmd.Process.Pid, s.mark) // by another thread: the program's own must not change limits
	close(limited)
	<-running                                                    // whoever waits for the program must not see it stop
	if s.limitErr != nil && !errors.Is(s.limitErr, unix.ESRCH) { // it has ended
		s.gaps = append(s.gaps, fmt.Sprintf("the command's memory and files have no bound of their own (%v), and processes that hide from it may stay", s.limitErr))
	}
	s.mu.Lock()
	s.tree = sockets.NewTree(cmd.Process.Pid)
	s.mu.Unlock()
	return nil
}

// Close must be called after the program's end.
func (s *Sandbox) Close() {
	close(s.ended)
	s.killFirstProcess()
	if s.forwarder != nil {
		s.forwarder.Close()
	}
	if s.listening != nil {
		s.wake.Close()
		<-s.listening
	}
}

// ListGaps returns sentences about what is not confined.
func (s *Sandbox) ListGaps() []string { return s.gaps }

// Signal returns the signal that ended the program, if its exit code does not say so: 0 for none. It waits for the program's end.
func (s *Sandbox) Signal() syscall.Signal {
	if s.endKnown == nil {
		return 0
	}
	<-s.endKnown
	if status := syscall.WaitStatus(s.end.Status); status.Signaled() {
		return status.Signal()
	}
	return 0
}

// CountLeft returns how many processes the program left, which ended with its namespaces. It waits for the program's end.
func (s *Sandbox) CountLeft() int {
	if s.endKnown == nil {
		return 0
	}
	<-s.endKnown
	return s.end.Left
}

// ListRefused returns what it tried to connect to and was refused.
func (s *Sandbox) ListRefused() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.refused)
}

// maxRefused bounds the list.
const maxRefused = 5

func (s *Sandbox) recordRefusal(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.refused) < maxRefused && !slices.Contains(s.refused, name) {
		s.refused = append(s.refused, name)
	}
}

// restrictThread restricts the calling thread and its children to the files of some rules. A restriction that the kernel does not have is a
// gap, unless the namespaces have it. If the filter asks, its listener is returned; else -1.
func (s *Sandbox) restrictThread(rules []confine.Rule) (listener int, err error) {
	_ = unix.CloseRange(3, ^uint(0)>>33, unix.CLOSE_RANGE_CLOEXEC) // files that were left open by this process's parent
	confine.ForgetCapabilities()
	if err := confine.ForbidNewPrivileges(); err != nil {
		s.gaps = append(s.gaps, fmt.Sprintf("the command is not confined (no_new_privs: %v): it can do all that you can", err))
		return -1, nil
	}
	abi, landlockErr := confine.LandlockVersion()
	switch {
	case s.access.abi < 0:
		landlockErr = unix.ENOSYS
	case s.access.abi > 0:
		abi = min(abi, s.access.abi)
	}
	// The filter comes first: its listener decides about connections, which Landlock then need not allow.
	listener, err = s.filterCalls(abi)
	if err != nil && !confine.IsUnsupported(err) {
		return -1, fmt.Errorf("confine the command: %w", err)
	}
	if err != nil {
		s.addGap("the command's system calls are not filtered (%v): it can send datagrams, use Unix sockets and change the modes of your files", err)
	}
	if landlockErr != nil {
		s.addGap("this kernel has no Landlock (%v; Linux has it since 5.13): the command can read and write your files, and read the memory of your "+
			"processes", landlockErr)
		return listener, nil
	}
	if err := s.restrictFiles(rules, abi, listener >= 0); err != nil {
		return -1, fmt.Errorf("confine the command: %w", err)
	}
	return listener, nil
}

// addGap adds a gap, unless the program has namespaces of its own: there is nothing that it could reach by it.
func (s *Sandbox) addGap(format string, args ...any) {
	if !s.isolated {
		s.gaps = append(s.gaps, fmt.Sprintf(format, args...))
	}
}

// restrictFiles denies all files but those that the program may use.
func (s *Sandbox) restrictFiles(rules []confine.Rule, abi int, asks bool) error {
	attr := confine.HandledRights(min(abi, confine.NewestLandlock))
	attr.Handled_access_net &^= unix.LANDLOCK_ACCESS_NET_BIND_TCP
	if s.access.Network {
		attr.Handled_access_net = 0
	}
	var ports []uint16
	if s.access.Port != 0 && !asks {
		ports = append(ports, s.access.Port)
	}
	if err := confine.RestrictFiles(abi, attr, rules, ports...); err != nil {
		return err
	}
	var unrestricted []string
	if abi < confine.ScopedSignals && !asks {
		unrestricted = append(unrestricted, "signal your processes")
	}
	if abi < 3 {
		unrestricted = append(unrestricted, "truncate your files")
	}
	if abi < 4 && !asks && !s.access.Network {
		unrestricted = append(unrestricted, "connect to other machines")
	}
	if unrestricted != nil {
		s.addGap("this kernel has version %d of Landlock: the command can %s", abi, strings.Join(unrestricted, " and "))
	}
	return nil
}

const (
	mayRun = confine.MayRead | confine.MayExecute
	// mayChange are the rights on a directory in which the program works.
	mayChange = mayRun | confine.MayWrite | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_SYM |
		unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE |
		unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REFER
)

// listRules returns the rules for files.
func (s *Sandbox) listRules(cmd *exec.Cmd) []confine.Rule {
	rules := []confine.Rule{{Path: "/etc", Rights: unix.LANDLOCK_ACCESS_FS_READ_DIR}}
	for _, f := range []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "/dev/random"} {
		rules = append(rules, confine.Rule{Path: f, Rights: confine.MayWrite})
	}
	program := cmd.Path
	if !strings.HasPrefix(program, "/") {
		program = cmd.Dir + "/" + program
	}
	programs, parts := listPrograms(program, cmd.Env, s.access.Packages, s.access.Repository)
	for _, p := range parts {
		rules = append(rules, confine.Rule{Path: p, Rights: unix.LANDLOCK_ACCESS_FS_READ_DIR})
	}
	read := slices.Concat(programs, listPublicPaths("/etc"), s.access.Read)
	for _, p := range read {
		rules = append(rules, confine.Rule{Path: p, Rights: mayRun})
	}
	for _, p := range s.access.Write {
		rules = append(rules, confine.Rule{Path: p, Rights: mayChange})
	}
	return rules
}

// maxPublic bounds the entries of a directory that are looked at.
const maxPublic = 2000

// listPublicPaths returns a directory, or the parts of it, that everybody may read: root could read the rest, too.
func listPublicPaths(dir string) []string {
	if os.Geteuid() != 0 {
		return []string{dir}
	}
	left := maxPublic
	list, _ := listReadablePaths(dir, &left)
	return list
}

// listReadablePaths returns the parts of a directory that everybody may read; all is set if that is the directory itself.
func listReadablePaths(dir string, left *int) (out []string, all bool) {
	entries, err := os.ReadDir(dir)
	if *left -= len(entries); err != nil || *left < 0 {
		return nil, false
	}
	all = true
	for _, e := range entries {
		p := dir + "/" + e.Name()
		info, err := os.Stat(p)
		switch {
		case err != nil || info.Mode().Perm()&0o004 == 0:
			all = false
		case e.IsDir():
			list, whole := listReadablePaths(p, left)
			out, all = append(out, list...), all && whole
		default:
			out = append(out, p)
		}
	}
	if all {
		return []string{dir}, true
	}
	return out, false
}
