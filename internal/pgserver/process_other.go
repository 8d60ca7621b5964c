//go:build !unix

package pgserver

import (
	"errors"
	"os"
)

var errPlatform = errors.New("throwaway servers need a Unix system; give a server with --postgres URL")

type account struct{}

func serverAccount() (account, error)          { return account{}, errPlatform }
func (account) dropped() bool                  { return false }
func (account) own(...string) error            { return errPlatform }
func (account) reach(string) error             { return nil }
func (account) initdb(string, ...string) error { return errPlatform }

type maker struct{}

func watchMaking(...string) (*maker, error) { return nil, errPlatform }

func (*maker) done() {}

type process struct{}

func watch(account, string, string, *os.File, *os.File, ...string) (*process, error) {
	return nil, errPlatform
}

func (*process) begin() error { return errPlatform }
func (*process) waitGone()    {}
func (*process) end() error   { return errPlatform }

func interrupt(int) error { return errPlatform }

func ownedByUs(os.FileInfo, account) bool { return false }

func allocated(info os.FileInfo) int64 { return info.Size() }
