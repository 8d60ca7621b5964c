package sandbox

import (
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// forwarder passes connections of a command's own network on to its database.
type forwarder struct {
	listener net.Listener
	address  string
	all      sync.WaitGroup

	mu   sync.Mutex
	open map[net.Conn]bool
}

// newForwarder accepts connections at a socket, and closes it at the end. They go to a port of this machine.
func newForwarder(socket int, port uint16) (*forwarder, error) {
	file := os.NewFile(uintptr(socket), "database")
	defer file.Close()
	l, err := net.FileListener(file)
	if err != nil {
		return nil, err
	}
	f := &forwarder{listener: l, address: fmt.Sprintf("%s:%d", loopback, port), open: map[net.Conn]bool{}}
	f.all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			f.all.Go(func() { f.relayConnection(conn) })
		}
	})
	return f, nil
}

// relayConnection copies what both ends of a connection send.
func (f *forwarder) relayConnection(client net.Conn) {
	defer f.trackConnection(client)()
	server, err := net.DialTimeout("tcp", f.address, 10*time.Second)
	if err != nil {
		return
	}
	defer f.trackConnection(server)()
	var both sync.WaitGroup
	for from, to := range map[net.Conn]net.Conn{client: server, server: client} {
		both.Go(func() {
			_, _ = io.Copy(to, from) // the other end hears of it
			_ = to.(*net.TCPConn).CloseWrite()
		})
	}
	both.Wait()
}

// trackConnection notes that a connection is open, until the returned function closes it.
func (f *forwarder) trackConnection(conn net.Conn) (release func()) {
	f.mu.Lock()
	f.open[conn] = true
	f.mu.Unlock()
	return func() {
		conn.Close() //nolint:errcheck // it has ended
		f.mu.Lock()
		delete(f.open, conn)
		f.mu.Unlock()
	}
}

// Close waits until all is passed on that the command has sent: its ends of the connections are closed. A server that does not close its
// end is cut off after a while.
func (f *forwarder) Close() {
	f.listener.Close() //nolint:errcheck // nobody waits for it
	done := make(chan struct{})
	go func() { f.all.Wait(); close(done) }()
	select {
	case <-done:
		return
	case <-time.After(2 * time.Second):
	}
	f.mu.Lock()
	for conn := range f.open {
		conn.Close() //nolint:errcheck // whoever uses it hears of it
	}
	f.mu.Unlock()
	<-done
}
