//go:build !linux

package sandbox

import (
	"errors"
	"os/exec"
	"runtime"
	"syscall"
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

// CheckNamespaces returns why commands have no namespaces on this system.
func CheckNamespaces() error { return errors.New("only Linux has namespaces") }

// RunChild does nothing: commands have no namespaces on this system.
func RunChild() {}

// Signal returns 0: the exit code of the program says which signal ended it.
func (s *Sandbox) Signal() syscall.Signal { return 0 }

// CountLeft returns 0: processes do not end with the program.
func (s *Sandbox) CountLeft() int { return 0 }

// ListGaps returns sentences about what is not confined.
func (s *Sandbox) ListGaps() []string {
	return []string{"on this system (" + runtime.GOOS + ") the command is not confined: it can do all that you can"}
}

// ListRefused returns what it tried to connect to and was refused. It is not known here.
func (s *Sandbox) ListRefused() []string { return nil }

// Close must be called after the program's end.
func (s *Sandbox) Close() {}
