package pgserver

import "path/filepath"

// command describes the server's first process before it is started.
type command struct {
	install       Install
	acct          account
	data, sockets string
	unconfined    bool // Config.Unconfined
	abi           int  // Config.abi: the newest version of Landlock to use; 0 for any
}

func (c command) program() string { return filepath.Join(c.install.Bin, "postgres") }

func (c command) args() []string { return []string{c.program(), "-D", c.data} }

// environment is the server's complete environment.
func (c command) environment() []string {
	return []string{"LC_ALL=C", "PATH=" + c.install.Bin, "TZ=UTC"}
}
