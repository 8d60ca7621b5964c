//go:build !linux

package sandbox

import (
	"os/exec"
	"runtime"
)

// Sandbox confines a program that was started in it.
type Sandbox struct{}

// Start starts a program. It is not confined on this system.
func Start(cmd *exec.Cmd, a Access) (*Sandbox, error) {
	s := &Sandbox{}
	if a.Require {
		return nil, &GapsError{s.ListGaps()}
	}
	return s, cmd.Start()
}

// ListGaps returns sentences about what is not confined.
func (s *Sandbox) ListGaps() []string {
	return []string{"on this system (" + runtime.GOOS + ") the command is not confined: it can do all that you can"}
}

// ListRefused returns what it tried to connect to and was refused. It is not known here.
func (s *Sandbox) ListRefused() []string { return nil }

// Close must be called after the program's end.
func (s *Sandbox) Close() {}
