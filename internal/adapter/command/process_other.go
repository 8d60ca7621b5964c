//go:build !unix

package command

import (
	"os"
	"os/exec"
	"syscall"
)

// OwnGroup does nothing: cancelling ends only the command itself.
func OwnGroup(*exec.Cmd) {}

// Sweep does nothing either.
func Sweep(*exec.Cmd) {}

// KilledBy returns "": there are no signals.
func KilledBy(*os.ProcessState) string { return "" }

// describeSignal returns "": programs have no namespaces on this platform.
func describeSignal(syscall.Signal) string { return "" }
