//go:build unix && !linux

package pgserver

import (
	"os"
	"runtime"
)

// startProcess starts the server. The restrictions exist on Linux only.
func (c command) startProcess(files []*os.File, _ <-chan struct{}) (server *os.Process, gaps []string, err error) {
	server, err = os.StartProcess(c.program(), c.args(), &os.ProcAttr{
		Dir: c.data, Env: c.environment(), Files: files, Sys: c.acct.sysProcAttr(),
	})
	if err != nil || c.unconfined {
		return server, nil, err
	}
	return server, []string{"on this system (" + runtime.GOOS + ") the server is not confined, and its memory not bounded: " +
		"a migration that becomes superuser in it can read your files and start programs"}, nil
}

func (p *process) limitProcess(int) []string { return nil }
func (p *process) limitAddressSpace(int)     {}
func childProcesses(int) []int               { return nil }
func killMarked(uint64) bool                 { return false }
func killInDir(string) bool                  { return false }
