package live

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/address"
)

// Standby is a server that replays what a primary writes, and lets others read: one session there, as that of
// [Beside].
type Standby struct {
	beside  Beside
	name    string
	primary identity
}

// NotStandbyError says that an address is not one of a standby of the primary. Its text has no password.
type NotStandbyError struct {
	Name string // of the standby, as host:port
	Why  string
}

// Error says it.
func (e *NotStandbyError) Error() string { return "the standby " + e.Name + " " + e.Why }

// identity is what a primary and its standbys have in common.
type identity struct {
	system   string // a number that initdb made
	database uint32
	name     string // of the database
}

// StandbyOf connects to an address, under a name that pg_stat_activity shows, and holds it against a session on the
// primary. The error is a [*ServerError] or an *address.Error where there is no server to ask, and a [*NotStandbyError]
// where it is not a standby of that primary, or the address is one of another database.
func StandbyOf(ctx context.Context, primary *pgx.Conn, url, name string) (*Standby, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, &address.Error{}
	}
	s := &Standby{beside: Beside{URL: url, Name: name, Own: true}, name: hostPort(cfg)}
	if s.primary, _, err = identify(ctx, primary); err != nil {
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

// Name is how messages call it: host:port.
func (s *Standby) Name() string { return s.name }

// Do has the session to itself for one thing that does not take long, once the server has said that it is the standby that it was: behind
// its address there may be another by now, or it may have become a primary. The errors are those of [StandbyOf], and what f says.
func (s *Standby) Do(ctx context.Context, f func(ctx context.Context, conn *pgx.Conn) error) error {
	return s.beside.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		is, recovers, err := identify(ctx, conn)
		switch {
		case err != nil:
			return err
		case !recovers:
			return &NotStandbyError{s.name, "is not in recovery: it replays nothing"}
		case is.system != s.primary.system:
			return &NotStandbyError{s.name, "is of another system than the database: it replays another primary's WAL"}
		case is.database != s.primary.database:
			return &NotStandbyError{s.name, fmt.Sprintf("was asked for the database %q, and the primary for %q", is.name, s.primary.name)}
		}
		return f(ctx, conn)
	})
}

func identify(ctx context.Context, conn *pgx.Conn) (is identity, recovers bool, err error) {
	err = conn.QueryRow(ctx, `SELECT pg_catalog.pg_is_in_recovery(), (SELECT system_identifier::text FROM pg_catalog.pg_control_system()), oid, datname
		FROM pg_catalog.pg_database WHERE datname = current_database()`).Scan(&recovers, &is.system, &is.database, &is.name)
	return is, recovers, err
}

// Replayed is how far the standby has replayed the primary's WAL, in bytes from its beginning. The errors are those of [Standby.Do].
func (s *Standby) Replayed(ctx context.Context) (bytes int64, err error) {
	err = s.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SELECT pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint").Scan(&bytes)
	})
	return bytes, err
}

// Close ends the session; nothing is lost with it.
func (s *Standby) Close(ctx context.Context) { s.beside.Close(ctx) }

// Place is the server and the database that an address names, as HOST:PORT/NAME: what may be shown of it. "" for an address that
// cannot be read.
func Place(url string) string {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return ""
	}
	return hostPort(cfg) + "/" + cmp.Or(cfg.Database, cfg.User)
}

func hostPort(cfg *pgx.ConnConfig) string {
	return net.JoinHostPort(cmp.Or(cfg.Host, "localhost"), strconv.Itoa(int(cfg.Port)))
}
