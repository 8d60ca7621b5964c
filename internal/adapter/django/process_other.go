//go:build !unix

package django

import (
	"os"
	"os/exec"
)

// ownGroup does nothing: cancelling ends Python alone.
func ownGroup(*exec.Cmd) {}

// sweep does nothing either.
func sweep(*exec.Cmd) {}

// killedBy is "": there are no signals.
func killedBy(*os.ProcessState) string { return "" }
