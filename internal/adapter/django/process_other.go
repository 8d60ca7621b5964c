//go:build !unix

package django

import (
	"os"
	"os/exec"
)

// ownGroup does nothing: cancelling ends only Python.
func ownGroup(*exec.Cmd) {}

// sweep does nothing either.
func sweep(*exec.Cmd) {}

// killedBy returns "": there are no signals.
func killedBy(*os.ProcessState) string { return "" }
