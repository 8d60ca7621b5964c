package capture

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/onward-sql/onward/internal/adapter/command"
	"github.com/onward-sql/onward/internal/cache"
	"github.com/onward-sql/onward/internal/confine"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/sandbox"
	"github.com/onward-sql/onward/internal/scratch"
	"github.com/onward-sql/onward/internal/sockets"
)

// maxProcesses is how many processes a command may run at once.
const maxProcesses = 256

// pollInterval is how often the processes of a command are counted, and markInterval how often those that left its tree are searched.
const (
	pollInterval = 100 * time.Millisecond
	markInterval = 5 * pollInterval
)

// boundError says which bound a command went over.
type boundError struct{ message string }

func (e *boundError) Error() string { return e.message + " and was ended" }

// watch follows the processes of a command.
type watch struct {
	mark uint64 // on each of them
	port string // the proxy's
	dirs []string
	// free is how much the directories' file systems had free at the beginning.
	free []int64

	dog  *watchdog
	tree *sockets.Tree
	done chan struct{}
	wait sync.WaitGroup

	// elsewhere has the addresses other than the proxy's to which the processes connected.
	elsewhere map[string]bool
}

// newWatch returns a watch on a command that writes in some directories.
func newWatch(port string, dirs []string) (w *watch, err error) {
	w = &watch{mark: confine.NewMark(), port: port, dirs: dirs, done: make(chan struct{}), elsewhere: map[string]bool{}}
	for _, dir := range dirs {
		w.free = append(w.free, pgserver.Free(dir))
	}
	w.dog, err = startWatchdog(w.mark)
	return w, err
}

// followProcess begins to follow a process. cancel is called if it goes over a bound.
func (w *watch) followProcess(pid int, cancel context.CancelCauseFunc) {
	w.tree = sockets.NewTree(pid)
	w.dog.followGroup(pid)
	w.wait.Go(func() {
		for count := 0; ; count++ {
			select {
			case <-w.done:
				return
			case <-time.After(pollInterval):
			}
			processes := w.tree.SignalAll(syscall.Signal(0))
			if err := checkBounds(processes, sandbox.MeasureMemory(w.tree.Members())); err != nil {
				cancel(err)
				return
			}
			if count%int(markInterval/pollInterval) == 0 {
				pids, memory := sandbox.ListProcesses(w.mark)
				if err := errors.Join(checkBounds(len(pids), memory), w.checkDisk()); err != nil {
					cancel(err)
					return
				}
			}
			w.noteConnections()
		}
	})
}

// listMarkedProcesses returns the processes of the command that have its mark, also those that left its tree.
func (w *watch) listMarkedProcesses() []int {
	pids, _ := sandbox.ListProcesses(w.mark)
	return pids
}

// checkBounds returns an error if a command has too many processes, or too much memory.
func checkBounds(processes int, memory uint64) error {
	switch {
	case processes > maxProcesses:
		return &boundError{fmt.Sprintf("it started more than %d processes", maxProcesses)}
	case memory > sandbox.MaxMemory:
		return &boundError{fmt.Sprintf("it took more than %d GB of memory", sandbox.MaxMemory>>30)}
	}
	return nil
}

// checkDisk returns an error if a command has written too much. Its directories are measured if their file system has lost some space.
func (w *watch) checkDisk() error {
	const much = sandbox.MaxDisk / 4
	var lost int64
	for i, dir := range w.dirs {
		if free := pgserver.Free(dir); free >= 0 && w.free[i] >= 0 {
			lost = max(lost, w.free[i]-free)
		}
	}
	if lost < much {
		return nil
	}
	var size int64
	for _, dir := range w.dirs {
		_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
			if err != nil {
				return nil //nolint:nilerr // it has just gone, or cannot be read
			}
			if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
				size += info.Size()
			}
			return nil
		})
	}
	if size > sandbox.MaxDisk {
		return &boundError{fmt.Sprintf("it wrote more than %d GB", sandbox.MaxDisk>>30)}
	}
	return nil
}

// noteConnections notes connections to other machines, and to other servers of this one.
func (w *watch) noteConnections() {
	for _, c := range w.tree.Connections() {
		if !c.Remote.IsValid() || strconv.Itoa(int(c.Remote.Port())) == w.port || isEphemeral(c.Remote) {
			continue
		}
		if len(w.elsewhere) < 5 {
			w.elsewhere[netip.AddrPortFrom(c.Remote.Addr().Unmap(), c.Remote.Port()).String()] = true
		}
	}
}

// isEphemeral reports whether an address of this machine is probably a client's end, or between the command's own
// processes.
func isEphemeral(a netip.AddrPort) bool { return a.Addr().Unmap().IsLoopback() && a.Port() >= 32768 }

// endProcesses ends every process that is left, and returns sentences about what was seen. left have ended already.
func (w *watch) endProcesses(left int) []string {
	close(w.done)
	w.wait.Wait()
	if w.tree != nil {
		for i := 0; i < 10 && w.tree.IsAlive(); i++ { // its group was ended just now
			time.Sleep(10 * time.Millisecond)
		}
		left += w.tree.SignalAll(syscall.SIGKILL)
	}
	left += sandbox.KillMarked(w.mark)
	w.dog.endWatchdog()
	var notes []string
	if len(w.elsewhere) > 0 {
		var list []string
		for a := range w.elsewhere {
			list = append(list, a)
		}
		slices.Sort(list)
		notes = append(notes, "the command also connected to "+strings.Join(list, ", ")+": what it does there is not known")
	}
	if left > 0 {
		notes = append(notes, fmt.Sprintf("the command left %d processes running, which were ended", left))
	}
	return notes
}

// confinedRun is how a command ran.
type confinedRun struct {
	*command.Confinement
	// err is a [*command.Error] or an [*Error]; notes are sentences about what else was seen.
	err   error
	notes []string
}

// runConfined runs a command in a sandbox. env are further variables; the user's variables come after them. port is its database's;
// "" for none. Errors: the context's, and errors of temporary directories.
func (c *Command) runConfined(ctx context.Context, words, env, user []string, port string) (*confinedRun, error) {
	temporary, remove, err := scratch.Make("capture-tmp")
	if err != nil {
		return nil, err
	}
	defer func() { _ = remove() }() // if this fails, the next run tries again
	access := c.Access
	if n, err := strconv.ParseUint(port, 10, 16); err == nil {
		access.Port = uint16(n)
	}
	root, err := filepath.EvalSymlinks(cmp.Or(c.Root, c.Dir))
	if err != nil {
		return nil, err
	}
	access.Write = append([]string{root, temporary}, access.Write...)
	env = slices.Concat(command.Environment(), makeCacheDirs(&access), env, []string{"TMPDIR=" + temporary}, user)
	watch, err := newWatch(port, access.Write)
	if err != nil {
		return nil, err
	}
	access.Mark = watch.mark
	runCtx, cancel := context.WithCancelCause(ctx)
	out := &confinedRun{}
	out.Confinement, out.err = command.RunConfined(runCtx, command.Command{
		Words: words, Dir: c.Dir, Env: env, Timeout: cmp.Or(c.Timeout, DefaultTimeout), Started: func(pid int) {
			watch.followProcess(pid, cancel)
			if c.clients != nil {
				// This process passes connections on from the command's own network. Those that left the tree are searched last.
				c.clients.LetIn(func() []int { return []int{os.Getpid()} }, watch.tree.Members, watch.listMarkedProcesses)
			}
		},
	}, access)
	cause := context.Cause(runCtx)
	cancel(nil)
	out.notes = watch.endProcesses(out.Left)
	for _, gap := range out.Gaps {
		c.Logger.Warn(gap)
	}
	if boundErr := (*boundError)(nil); errors.As(cause, &boundErr) {
		out.err = &Error{words[0] + ": " + boundErr.Error()}
	}
	return out, ctx.Err()
}

// makeCacheDirs makes directories that stay for tools that cannot work without writing in a cache. They are the sandbox's own, and a
// repository's: a branch's code must not change what the user's own builds, or other projects, read. It returns the variables that name them.
func makeCacheDirs(a *sandbox.Access) []string {
	dir := cache.Dir("command")
	if dir == "" || a.Repository == "" {
		return nil
	}
	id := sha256.Sum256([]byte(a.Repository))
	dir = filepath.Join(dir, hex.EncodeToString(id[:8]))
	var env []string
	for name, variable := range map[string]string{"go-build": "GOCACHE", "uv": "UV_CACHE_DIR", "npm": "npm_config_cache"} {
		p := filepath.Join(dir, name)
		if os.MkdirAll(p, 0o700) == nil {
			a.Write = append(a.Write, p)
			env = append(env, fmt.Sprintf("%s=%s", variable, p))
		}
	}
	return env
}
