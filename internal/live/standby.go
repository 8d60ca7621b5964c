package live

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/address"
)

// Standby is a hot standby of a primary, with one session like [SideSession].
type Standby struct {
	session SideSession
	name    string
	primary identity
}

// NotStandbyError says that an address does not belong to a standby of the primary. Its text has no password.
type NotStandbyError struct {
	Name string // of the standby, as host:port
	Why  string
}

// Error names the standby and the reason.
func (e *NotStandbyError) Error() string { return "the standby " + e.Name + " " + e.Why }

// identity is what a primary and its standbys have in common.
type identity struct {
	system   string // the system identifier that initdb generated
	database uint32
	name     string // of the database
}

// ConnectStandby connects to an address, with an application_name, and compares the server with a session on the primary. The error is a
// [*ServerError] or an *address.Error if the server cannot be reached. It is a [*NotStandbyError] if the server is not a standby of that
// primary, or the address names another database.
func ConnectStandby(ctx context.Context, primary *pgx.Conn, url, name string) (*Standby, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, &address.Error{}
	}
	s := &Standby{session: SideSession{URL: url, Name: name, Own: true}, name: hostPort(cfg)}
	if s.primary, _, err = identifyServer(ctx, primary); err != nil {
		return nil, &ServerError{What: "ask the primary which system it is", Err: err}
	}
	err = s.Do(ctx, func(context.Context, *pgx.Conn) error { return nil })
	if wrong := new(NotStandbyError); err != nil && !errors.As(err, &wrong) {
		err = &ServerError{What: "the standby " + s.name, Err: err}
	}
	if err != nil {
		s.Close(ctx)
		return nil, err
	}
	return s, nil
}

// Name returns host:port, for messages.
func (s *Standby) Name() string { return s.name }

// Do runs a short f with exclusive use of the session, after checking that the server is still the same standby: its address may lead to
// another server by now, or it may have been promoted. The errors are the same as for [ConnectStandby], or come from f.
func (s *Standby) Do(ctx context.Context, f func(ctx context.Context, conn *pgx.Conn) error) error {
	return s.session.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		server, recovers, err := identifyServer(ctx, conn)
		switch {
		case err != nil:
			return err
		case !recovers:
			return &NotStandbyError{s.name, "is not in recovery: it replays nothing"}
		case server.system != s.primary.system:
			return &NotStandbyError{s.name, "is of another system than the database: it replays another primary's WAL"}
		case server.database != s.primary.database:
			return &NotStandbyError{s.name, fmt.Sprintf("was asked for the database %q, and the primary for %q", server.name, s.primary.name)}
		}
		return f(ctx, conn)
	})
}

func identifyServer(ctx context.Context, conn *pgx.Conn) (server identity, recovers bool, err error) {
	err = conn.QueryRow(ctx, `SELECT pg_catalog.pg_is_in_recovery(), (SELECT system_identifier::text FROM pg_catalog.pg_control_system()), oid, datname
		FROM pg_catalog.pg_database WHERE datname = current_database()`).Scan(&recovers, &server.system, &server.database, &server.name)
	return server, recovers, err
}

// ReplayedBytes returns how far the standby has replayed the primary's WAL, in bytes from its beginning. The errors are the same as for
// [Standby.Do].
func (s *Standby) ReplayedBytes(ctx context.Context) (bytes int64, err error) {
	err = s.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SELECT pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint").Scan(&bytes)
	})
	return bytes, err
}

// Close ends the session; nothing is lost.
func (s *Standby) Close(ctx context.Context) { s.session.Close(ctx) }
