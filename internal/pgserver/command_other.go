//go:build unix && !linux

package pgserver

import (
	"os"
	"runtime"
)

// start starts the server. Only Linux has what confines it.
func (c command) start(files []*os.File) (server *os.Process, gaps []string, err error) {
	server, err = os.StartProcess(c.program(), c.args(), &os.ProcAttr{
		Dir: c.data, Env: c.environment(), Files: files, Sys: c.acct.attributes(),
	})
	if err != nil || c.unconfined {
		return server, nil, err
	}
	return server, []string{"on this system (" + runtime.GOOS + ") the server is not confined, and its memory not bounded: " +
		"a migration that becomes superuser in it can read your files and start programs"}, nil
}

func (p *process) limit(int) []string { return nil }
func (p *process) limitMapped(int)    {}
func children(int) []int              { return nil }
func killMarked(uint64) bool          { return false }
func killBelow(string) bool           { return false }
