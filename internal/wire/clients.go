package wire

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/onward-sql/onward/internal/sockets"
)

// Clients decides who gets to a server that asks its clients for no password: by the address, the account or the process that connects.
// The server cannot decide that: it sees only the proxy's connections. Other clients need the password of the run.
type Clients struct {
	// Users are accounts whose processes are let in.
	Users []uint32

	password string
	mu       sync.Mutex
	lists    []func() []int // the processes that are let in
	known    chan struct{}  // closed once lists is set
}

// NewClients returns a decision that lets nobody in yet but those who know the password.
func NewClients(users []uint32) *Clients {
	return &Clients{Users: users, password: rand.Text(), known: make(chan struct{})}
}

// Password returns the password of the run.
func (c *Clients) Password() string { return c.password }

// LetIn lets the processes in that functions list. It is called once, when the command has started. A function is asked if those before it
// do not list a client.
func (c *Clients) LetIn(lists ...func() []int) {
	c.mu.Lock()
	c.lists = lists
	c.mu.Unlock()
	close(c.known)
}

// startPatience is for how long a client may connect before its process is known.
const startPatience = 2 * time.Second

// isTrustedClient reports whether a connection comes from a process that is let in. If the system cannot tell, everybody on this machine is.
func (c *Clients) isTrustedClient(conn net.Conn) bool {
	if !sockets.IsSupported {
		return true
	}
	client, ok := sockets.FindClient(conn)
	if !ok {
		return false // of another machine or container
	}
	if slices.Contains(c.Users, client.User) {
		return true
	}
	select {
	case <-c.known:
	case <-time.After(startPatience):
		return false
	}
	c.mu.Lock()
	lists := c.lists
	c.mu.Unlock()
	return slices.ContainsFunc(lists, func(list func() []int) bool { return client.IsHeldBy(list()) })
}

// authenticateClient asks a client for the password of the run, unless its process is let in.
func (c *Clients) authenticateClient(raw, client net.Conn) error {
	if c.isTrustedClient(raw) {
		return nil
	}
	const cleartext = 3
	question := binary.BigEndian.AppendUint32([]byte{'R', 0, 0, 0, 8}, cleartext)
	if err := client.SetDeadline(time.Now().Add(startupTimeout)); err != nil {
		return err
	}
	if _, err := client.Write(question); err != nil {
		return err
	}
	var head [5]byte
	if _, err := io.ReadFull(client, head[:]); err != nil {
		return err
	}
	length := int(binary.BigEndian.Uint32(head[1:])) - 4
	if head[0] != 'p' || length < 1 || length > maxStartup {
		return errStartup
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(client, body); err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(body, append([]byte(c.password), 0)) != 1 {
		_, err := client.Write(fatalMessage("28P01", "the server asks for no password, so this proxy lets in only processes of the command that it serves, and "+
			"clients with the password in the command's %s; --accept-user UID lets an account in", PasswordVariable))
		if err == nil {
			err = fmt.Errorf("a client was refused: it is no process of the command")
		}
		return err
	}
	return client.SetDeadline(time.Time{})
}

// PasswordVariable is the variable of a command's environment with the password of the run.
const PasswordVariable = "ONWARD_PROXY_PASSWORD"

// asksForProof reports whether the server's first message asks the client to prove who it is, or refuses it.
func (m *messages) asksForProof() bool {
	switch m.buf[0] {
	case 'E':
		return true
	case 'R':
		return len(m.buf) >= 9 && binary.BigEndian.Uint32(m.buf[5:]) != authOK
	}
	return false // it may let the client in after this
}
