//go:build !unix

package pgserver

import (
	"errors"
	"os"
)

var errPlatform = errors.New("throwaway servers need a Unix system; give a server with --postgres URL")

type account struct{}

func serverAccount() (account, error)                    { return account{}, errPlatform }
func (account) dropped() bool                            { return false }
func (account) own(...string) error                      { return errPlatform }
func (account) reach(string) error                       { return nil }
func (account) initdb(*os.File, string, ...string) error { return errPlatform }

type maker struct{}

func watchMaking(...string) (*maker, error) { return nil, errPlatform }

func (*maker) done() {}

type process struct {
	log    tail
	memory uint64
}

func (*tail) take(uintptr) (more, end bool) { return false, true }

func watch(account, *private) (*process, error) { return nil, errPlatform }

func (*process) begin(command) ([]string, error) { return nil, errPlatform }
func (*process) settle()                         {}
func (*process) waitGone()                       {}
func (*process) interrupt() error                { return errPlatform }
func (*process) end() error                      { return errPlatform }

func newMark() uint64                     { return 0 }
func killMarked(uint64) bool              { return false }
func killBelow(string) bool               { return false }
func segment(string) (pid, id string)     { return "", "" }
func abandoned(string, account) bool      { return false }
func ownedByUs(os.FileInfo, account) bool { return false }
func names(os.FileInfo) int               { return 1 }
func allocated(info os.FileInfo) int64    { return info.Size() }

const noFollow = 0
