package guard

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/sockets"
	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/onward"
)

// bypassMonitor looks for sessions of the command that did not come through the guard. A session counts only if its
// connection has a process of the command as its other end. A role, a name or a time proves nothing, because
// deployed servers reconnect all the time.
type bypassMonitor struct {
	guard *guard
	proxy netip.AddrPort
	// found is closed when the first such session is found.
	found chan struct{}

	mu       sync.Mutex
	tree     *sockets.Tree
	sessions map[serverSession]onward.GuardedSession
}

// serverSession identifies a session: a PID alone may be reused.
type serverSession struct {
	pid     int
	started string
}

func newBypassMonitor(g *guard, proxy *wire.Proxy) *bypassMonitor {
	address, _ := netip.ParseAddrPort(proxy.Addr().String())
	return &bypassMonitor{guard: g, proxy: address, found: make(chan struct{}), sessions: map[serverSession]onward.GuardedSession{}}
}

// watchTree starts the checks for a command that was started.
func (m *bypassMonitor) watchTree(tree *sockets.Tree) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tree = tree
}

// findSessions looks for such sessions once.
func (m *bypassMonitor) findSessions(ctx context.Context) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tree == nil {
		return
	}
	var candidates []sockets.Connection
	for _, c := range m.tree.Connections() {
		if c.Remote != m.proxy {
			candidates = append(candidates, c)
		}
	}
	if len(candidates) == 0 {
		return
	}
	before := len(m.sessions)
	err := m.guard.monitor.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error { return m.proveSessions(ctx, conn, candidates) })
	if err != nil && ctx.Err() == nil {
		m.guard.c.Logger.Info("the sessions of the command cannot be listed", "error", err)
	}
	if before == 0 && len(m.sessions) > 0 {
		m.guard.c.Tell("a session of the command did not come through the guard: the command is being ended")
		close(m.found)
	}
}

// The columns are NULL for sessions that this role may not see.
const sessionsSQL = `
SELECT pid, coalesce(host(client_addr), ''), coalesce(client_port, 0), extract(epoch FROM backend_start)::text
FROM pg_catalog.pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND backend_start IS NOT NULL AND client_port IS NOT NULL AND pid <> pg_backend_pid()`

// proveSessions compares the server's sessions with the command's connections.
func (m *bypassMonitor) proveSessions(ctx context.Context, conn *pgx.Conn, candidates []sockets.Connection) error {
	direct, err := lacksAddressTranslation(ctx, conn)
	if err != nil {
		return err
	}
	rows, err := conn.Query(ctx, sessionsSQL)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var s serverSession
		var host string
		var port int
		if err := rows.Scan(&s.pid, &host, &port, &s.started); err != nil {
			return err
		}
		for _, c := range candidates {
			client, _ := netip.ParseAddr(host)
			sameAddress := direct && port > 0 && c.Local == netip.AddrPortFrom(client.Unmap(), uint16(port))
			if !sameAddress && (c.Peer == 0 || !sockets.Holds(s.pid, c.Peer)) {
				continue
			}
			proven := onward.GuardedSession{PID: s.pid, Process: c.PID}
			if c.Local.IsValid() {
				proven.Client = c.Local.String()
			}
			m.sessions[s] = proven
		}
	}
	return rows.Err()
}

// lacksAddressTranslation reports whether no address translation happens between here and the server: the server sees this
// session's own address. Then an address and a port that the server reports belong to a socket of this machine.
func lacksAddressTranslation(ctx context.Context, conn *pgx.Conn) (bool, error) {
	var host string
	var port int
	err := conn.QueryRow(ctx, "SELECT coalesce(host(inet_client_addr()), ''), coalesce(inet_client_port(), 0)").Scan(&host, &port)
	if err != nil || port == 0 {
		return false, err
	}
	seen, err := netip.ParseAddr(host)
	if err != nil {
		return false, nil //nolint:nilerr // it is no address of this machine
	}
	localAddr, err := netip.ParseAddrPort(conn.PgConn().Conn().LocalAddr().String())
	return err == nil && netip.AddrPortFrom(localAddr.Addr().Unmap(), localAddr.Port()) == netip.AddrPortFrom(seen.Unmap(), uint16(port)), nil
}

// endSessions ends the proven sessions that outlive the command, and returns all proven ones.
func (m *bypassMonitor) endSessions(ctx context.Context) []onward.GuardedSession {
	m.mu.Lock()
	defer m.mu.Unlock()
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer stop()
	var out []onward.GuardedSession
	for s, session := range m.sessions {
		err := m.guard.monitor.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
			// The start time is compared too, because the server may have reused the PID.
			return conn.QueryRow(ctx, `SELECT coalesce(bool_or(pg_catalog.pg_terminate_backend(pid)), false) FROM pg_catalog.pg_stat_activity
				WHERE pid = $1 AND extract(epoch FROM backend_start)::text = $2`, s.pid, s.started).Scan(&session.Ended)
		})
		if err != nil {
			m.guard.c.Logger.Info("a session of the command cannot be ended", "error", err)
		}
		out = append(out, session)
	}
	return out
}

// runCommand runs the command once and returns its exit code. signalled: a signal was forwarded to it.
func (g *guard) runCommand(ctx context.Context, args, env []string, bypass *bypassMonitor, clients *wire.Clients) (code int, signalled bool, err error) {
	if g.c.Signals != nil { // the command gets the signals, and ends by itself
		ctx = context.WithoutCancel(ctx)
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = g.c.Dir, env, g.c.In, g.c.Out, g.c.Err
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = g.c.Grace
	if err := cmd.Start(); err != nil {
		return 0, false, &config.InputError{Err: fmt.Errorf("run %s: %w", args[0], hideArguments(err))}
	}
	tree := sockets.NewTree(cmd.Process.Pid)
	bypass.watchTree(tree)
	clients.LetIn(tree.Members)
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	found := bypass.found
	var kill <-chan time.Time
	for {
		select {
		case s := <-g.c.Signals:
			signalled = true
			_ = cmd.Process.Signal(s) // it may have ended
		case <-found:
			found = nil
			kill = time.After(g.c.Grace)
			tree.SignalAll(syscall.SIGTERM)
			end()
		case <-kill:
			tree.SignalAll(syscall.SIGKILL)
		case err := <-done:
			if err != nil {
				g.c.Logger.Info("the command has ended", "error", err)
			}
			if found == nil {
				endProcesses(tree, g.c.Grace)
			}
			return exitCode(cmd), signalled, nil
		}
	}
}

// endProcesses waits for the processes of a command that bypassed the guard, and kills them after the grace
// period.
func endProcesses(tree *sockets.Tree, grace time.Duration) {
	kill := time.After(grace)
	const pollInterval = 20 * time.Millisecond
	for tree.IsAlive() {
		select {
		case <-kill:
			tree.SignalAll(syscall.SIGKILL)
			return
		case <-time.After(pollInterval):
		}
	}
}

// hideArguments removes the arguments from an error, because they may contain an address.
func hideArguments(err error) error {
	path := new(exec.Error)
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// exitCode returns an exit code as a shell would.
func exitCode(cmd *exec.Cmd) int {
	if cmd.ProcessState == nil {
		return 1
	}
	if w, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return 128 + int(w.Signal())
	}
	return cmd.ProcessState.ExitCode()
}
