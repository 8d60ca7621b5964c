//go:build unix

package django

import (
	"os/exec"
	"syscall"
)

// ownGroup makes cancelling end the processes that Python started, too.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
