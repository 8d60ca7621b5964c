//go:build !unix

package command

import (
	"os"
	"os/exec"
)

// OwnGroup does nothing: cancelling ends only the command itself.
func OwnGroup(*exec.Cmd) {}

// Sweep does nothing either.
func Sweep(*exec.Cmd) {}

// KilledBy returns "": there are no signals.
func KilledBy(*os.ProcessState) string { return "" }
