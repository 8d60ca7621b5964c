//go:build !linux

package jsrun

import (
	"os"
	"runtime"
)

// startProcess starts this program as the child, under a name. files are its descriptors 0, 1, ….
func startProcess(name string, files []*os.File) (*os.Process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return os.StartProcess(program, []string{name}, &os.ProcAttr{Dir: "/", Env: childEnvironment, Files: files})
}

// confineChild returns what is missing on this system.
func confineChild() []string {
	return []string{
		"on this system (" + runtime.GOOS + ") only memory and time bound the interpreter in which migrations ran",
	}
}
