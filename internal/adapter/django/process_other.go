//go:build !unix

package django

import "os/exec"

// ownGroup does nothing: cancelling ends Python alone.
func ownGroup(*exec.Cmd) {}
