//go:build unix

package capture

import (
	_ "embed"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"syscall"
)

//go:embed watchdog.sh
var watchdogScript string

// watchdog is a shell that ends a command's processes if this process is killed.
type watchdog struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

// startWatchdog starts it for processes with a mark.
func startWatchdog(mark uint64) (*watchdog, error) {
	cmd := exec.Command("/bin/sh", "-c", watchdogScript, "onward-watchdog", strconv.FormatUint(mark, 10))
	cmd.Dir, cmd.Env = "/", []string{"PATH=/usr/bin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a signal to the terminal's processes, or to this group, is not for it
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start a shell: %w", err)
	}
	return &watchdog{cmd, stdin}, nil
}

// followGroup names the group of the command.
func (w *watchdog) followGroup(pid int) { _, _ = fmt.Fprintf(w.stdin, "group %d\n", pid) }

// endWatchdog ends it: there is nothing more to watch. If it was killed, that does not matter.
func (w *watchdog) endWatchdog() {
	_, _ = io.WriteString(w.stdin, "done\n")
	_ = w.stdin.Close()
	_ = w.cmd.Wait()
}
