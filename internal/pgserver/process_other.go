//go:build !unix

package pgserver

import (
	"errors"
	"os"
)

var errPlatform = errors.New("throwaway servers need a Unix system; give a server with --postgres URL")

type account struct{}

func serverAccount() (account, error)                       { return account{}, errPlatform }
func (account) switchesUser() bool                          { return false }
func (account) changeOwner(...string) error                 { return errPlatform }
func (account) checkAccess(string) error                    { return nil }
func (account) runInitdb(*os.File, string, ...string) error { return errPlatform }

type creationGuard struct{}

func guardCreation(...string) (*creationGuard, error) { return nil, errPlatform }

func (*creationGuard) keepDirs() {}

type process struct {
	log    logTail
	memory uint64
}

func (*logTail) readPage(uintptr) (more, end bool) { return false, true }

func launchWatchdog(account, *privateDir) (*process, error) { return nil, errPlatform }

func (*process) startServer(command) ([]string, error) { return nil, errPlatform }
func (*process) finishStart()                          {}
func (*process) waitForEnd()                           {}
func (*process) interrupt() error                      { return errPlatform }
func (*process) endServer() error                      { return errPlatform }

func killMarked(uint64) bool                { return false }
func killInDir(string) bool                 { return false }
func parseSegment(string) (pid, id string)  { return "", "" }
func isUnusedSegment(string, account) bool  { return false }
func isOwnedByUs(os.FileInfo, account) bool { return false }
func linkCount(os.FileInfo) int             { return 1 }
func allocatedBytes(info os.FileInfo) int64 { return info.Size() }

const noFollow = 0
