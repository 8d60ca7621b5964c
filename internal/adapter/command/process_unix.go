//go:build unix

package command

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// OwnGroup makes cancelling end the processes that the command started, too.
func OwnGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// Sweep ends processes that the command started and left running.
func Sweep(cmd *exec.Cmd) {
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // usually there is none
	}
}

// signalNames are the signals that end a process against its will.
var signalNames = map[syscall.Signal]string{
	syscall.SIGABRT: "SIGABRT", syscall.SIGBUS: "SIGBUS", syscall.SIGFPE: "SIGFPE", syscall.SIGILL: "SIGILL",
	syscall.SIGKILL: "SIGKILL", syscall.SIGSEGV: "SIGSEGV", syscall.SIGSYS: "SIGSYS", syscall.SIGTERM: "SIGTERM",
	syscall.SIGTRAP: "SIGTRAP", syscall.SIGXCPU: "SIGXCPU", syscall.SIGXFSZ: "SIGXFSZ",
}

// KilledBy returns the signal that ended a process: "signal 11 (SIGSEGV)"; "" if none
// did.
func KilledBy(state *os.ProcessState) string {
	status, ok := state.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return ""
	}
	return describeSignal(status.Signal())
}

// describeSignal returns the name of a signal; "" for none.
func describeSignal(s syscall.Signal) string {
	if s == 0 {
		return ""
	}
	name := signalNames[s]
	if name == "" {
		name = s.String()
	}
	text := fmt.Sprintf("signal %d (%s)", int(s), name)
	if s == syscall.SIGKILL {
		text += ", as the system does when memory runs out"
	}
	return text
}
