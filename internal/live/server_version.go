package live

import (
	"context"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
)

// ServerMajor returns the major version that the server reported when the session was opened, also through a pooler; 0
// for unknown.
func ServerMajor(conn *pgx.Conn) int {
	version := conn.PgConn().ParameterStatus("server_version") // "18.6", "19rc1 (Debian 19~rc1-1)"
	digits := len(version) - len(strings.TrimLeft(version, "0123456789"))
	major, _ := strconv.Atoi(version[:digits])
	return major
}

type newerServerKey struct{}

// newerServer reports the first server that is newer than this release was proven on.
type newerServer struct {
	newest int // the newest major version that was proven
	report func(major int)
	once   sync.Once
}

// WithNewerServer calls report once, as soon as a session opened under this context is on a server newer than newest.
func WithNewerServer(ctx context.Context, newest int, report func(major int)) context.Context {
	return context.WithValue(ctx, newerServerKey{}, &newerServer{newest: newest, report: report})
}

// reportNewerServer checks a new session.
func reportNewerServer(ctx context.Context, conn *pgx.Conn) {
	n, ok := ctx.Value(newerServerKey{}).(*newerServer)
	if major := ServerMajor(conn); ok && major > n.newest {
		n.once.Do(func() { n.report(major) })
	}
}
