package apply_test

import (
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// line passes on what a run sends, and has a fault happen at the commit with a number.
type line struct {
	mu     sync.Mutex
	seen   int // commits
	at     int
	struck bool
	during string // the class of the step that was under way then
	fault  *fault
	// meanwhile, when it is not nil, begins beside the fault, and goes on.
	meanwhile func()
	f         *faulty
	t         testing.TB
}

// commit counts one, and reports whether it is the one.
func (l *line) commit() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen++
	if l.struck || l.fault == nil || l.seen != l.at {
		return false
	}
	l.struck = true
	return true
}

func (l *line) serve(client net.Conn, to string) {
	defer client.Close()
	server, err := net.Dial("unix", to)
	if err != nil {
		return
	}
	defer server.Close()
	hold := make(chan struct{})
	var once sync.Once
	lost := false
	go func() {
		defer client.Close()
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			l.mu.Lock()
			quiet := lost
			l.mu.Unlock()
			if n > 0 && quiet { // the answer to COMMIT
				once.Do(func() { close(hold) })
				return
			}
			if n > 0 {
				if _, err := client.Write(buf[:n]); err != nil {
					return
				}
			}
			if err != nil {
				once.Do(func() { close(hold) })
				return
			}
		}
	}()
	head := make([]byte, 4)
	if _, err := io.ReadFull(client, head); err != nil { // the start has no type
		return
	}
	if !pass(server, nil, head, client) {
		return
	}
	kind := make([]byte, 1)
	for {
		if _, err := io.ReadFull(client, kind); err != nil {
			return
		}
		if _, err := io.ReadFull(client, head); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head)-4)
		if _, err := io.ReadFull(client, body); err != nil {
			return
		}
		strikes := kind[0] == 'Q' && strings.HasSuffix(strings.ToLower(strings.TrimRight(string(body), "\x00; ")), "commit") && l.commit()
		if strikes {
			l.during = underWay(l.t, l.f)
			if l.meanwhile != nil {
				go l.meanwhile()
			}
		}
		if strikes && !l.fault.behind {
			if l.fault.strike != nil {
				l.fault.strike(l.t, l.f)
			}
			if l.fault.cut {
				return
			}
		}
		if strikes && l.fault.behind {
			l.mu.Lock()
			lost = true
			l.mu.Unlock()
		}
		if _, err := server.Write(slices.Concat(kind, head, body)); err != nil {
			return
		}
		if strikes && l.fault.behind {
			<-hold
			if l.fault.strike != nil {
				l.fault.strike(l.t, l.f)
			}
			return
		}
	}
}

// underWay is the class of the step that is being tried; "the ledger" for none.
func underWay(t testing.TB, f *faulty) string {
	if ledgerSchema := content(t, f.db, "SELECT nspname FROM pg_namespace WHERE nspname = 'onward_ledger'"); len(ledgerSchema) == 0 {
		return "the ledger"
	}
	class := content(t, f.db, "SELECT s ->> 'class' FROM onward_ledger.plan AS p, jsonb_array_elements(plan -> 'steps') AS s JOIN onward_ledger.step AS has ON "+
		"has.id = s ->> 'id' WHERE has.state = 'running'")
	if len(class) == 0 {
		return "the ledger"
	}
	return class[0]
}

// pass sends a message without a type on.
func pass(to io.Writer, kind, head []byte, from io.Reader) bool {
	body := make([]byte, binary.BigEndian.Uint32(head)-4)
	if _, err := io.ReadFull(from, body); err != nil {
		return false
	}
	_, err := to.Write(slices.Concat(kind, head, body))
	return err == nil
}

// through is an address that leads through the line.
func (l *line) through(t testing.TB, db string) string {
	t.Helper()
	return pgservertest.Interpose(t, db, l.serve)
}
