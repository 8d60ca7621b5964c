package capture

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/onward-sql/onward/internal/sockets"
)

// maxProcesses is how many processes a command may run at once.
const maxProcesses = 256

// pollInterval is how often the processes of a command are counted.
const pollInterval = 100 * time.Millisecond

// markVariable is in the environment of every process that a command starts, so that those which left its group are
// found.
const markVariable = "ONWARD_CAPTURE_RUN"

type processesError struct{}

func (*processesError) Error() string {
	return fmt.Sprintf("it started more than %d processes and was ended", maxProcesses)
}

// watch follows the processes of a command.
type watch struct {
	mark string // NAME=value
	port string // the proxy's

	dog  *watchdog
	tree *sockets.Tree
	done chan struct{}
	wait sync.WaitGroup

	elsewhere map[string]bool
}

func newWatch(port string) (w *watch, err error) {
	w = &watch{mark: markVariable + "=" + rand.Text(), port: port, done: make(chan struct{}), elsewhere: map[string]bool{}}
	w.dog, err = startWatchdog(w.mark)
	return w, err
}

// followProcess begins to follow a process. cancel is called if it starts too many others.
func (w *watch) followProcess(pid int, cancel context.CancelCauseFunc) {
	w.tree = sockets.NewTree(pid)
	w.dog.followGroup(pid)
	w.wait.Go(func() {
		for {
			select {
			case <-w.done:
				return
			case <-time.After(pollInterval):
			}
			if w.tree.SignalAll(syscall.Signal(0)) > maxProcesses {
				cancel(&processesError{})
				return
			}
			w.noteConnections()
		}
	})
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

// endProcesses ends every process that is left, and returns sentences about what was seen.
func (w *watch) endProcesses() []string {
	close(w.done)
	w.wait.Wait()
	left := 0
	if w.tree != nil {
		for i := 0; i < 10 && w.tree.IsAlive(); i++ { // its group was ended just now
			time.Sleep(10 * time.Millisecond)
		}
		left = w.tree.SignalAll(syscall.SIGKILL)
	}
	left += killMarked(w.mark)
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
