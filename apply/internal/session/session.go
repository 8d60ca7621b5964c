// Package session has the sessions of a run on its target: their settings, their transactions, and how long they may be silent.
package session

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/onward"
)

// Session is a target's sessions: one that works, one beside it, and others on its standbys.
type Session struct {
	URL string
	// Replicas are the addresses of the standbys, and Standbys the sessions there.
	Replicas []string
	Standbys []*live.Standby
	// Direct: no transaction pooler is in between.
	Direct bool
	// AsWritten: the steps are an unchanged migration, which gets the role's settings.
	AsWritten bool
	Tries     *run.Tries

	// Path and Role are the search_path and the role of the plan. They are known after the plan was found in the ledger.
	Path, Role string
	// Lease fences each transaction. Nothing is written without it.
	Lease *ledger.Lease

	Work    *pgx.Conn
	Workers []*pgx.Conn       // more sessions that run batches, if there are several workers
	Silence *live.Silence     // of the work session
	Control *live.SideSession // renews the lease, checks the lock queue, and writes what must stay if the work is rolled back

	Major            int
	readSettings     []live.Setting // of Work, which only one goroutine may ask
	AutovacuumYields bool           // autovacuum is made to give way
	role             *roleSettings  // of the role that runs the steps, and of the database
}

// NewSession returns the sessions of a target, which [Session.Open] opens.
func NewSession(ctx context.Context, url string, tries *run.Tries) *Session {
	heard := live.NewSilence(ctx, nil)
	return &Session{
		URL: url, Tries: tries, Silence: live.NewSilence(ctx, heard),
		Control: &live.SideSession{URL: url, Name: ControlName, Own: true, Silence: heard},
	}
}

// OpenWorkers opens the sessions of the workers beside the work session.
func (s *Session) OpenWorkers(ctx context.Context, count int) error {
	for len(s.Workers) < count-1 {
		conn, err := live.ConnectBound(ctx, s.URL, workName, nil, s.Silence)
		if err != nil {
			return err
		}
		s.Workers = append(s.Workers, conn)
	}
	return nil
}

// Open opens both sessions, closing earlier ones.
func (s *Session) Open(ctx context.Context) error {
	s.Close(ctx)
	err := s.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		if s.Major, err = PrimaryVersion(ctx, conn); err == nil {
			s.AutovacuumYields, err = canMakeAutovacuumYield(ctx, conn, s.Major)
		}
		if err == nil {
			s.role, err = readRoleSettings(ctx, conn, s.Major)
		}
		return err
	})
	if err == nil {
		s.Work, err = live.ConnectBound(ctx, s.URL, workName, nil, s.Silence)
	}
	if err == nil {
		s.readSettings = live.ReadSettings(s.Work)
	}
	return err
}

// Close closes the sessions on the primary.
func (s *Session) Close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if s.Work != nil {
		_ = s.Work.Close(ctx) // the ledger knows what is lost with it
	}
	for _, w := range s.Workers {
		_ = w.Close(ctx)
	}
	s.Workers = nil
	s.Control.Close(ctx)
}

// ProcessName returns the name of this process for the ledger and for application_name: "onward apply on db1, process
// 812".
func ProcessName(command string) string {
	host, _ := os.Hostname() // "" is good enough
	return fmt.Sprintf("onward %s on %s, process %d", command, host, os.Getpid())
}

// ControlName is the application_name of the session that watches, workName of the session that runs the steps.
const (
	ControlName = "onward apply (control)"
	workName    = "onward apply"
	standbyName = "onward apply (standby)"
	TableName   = "onward apply (table)" // of the migration tool
)

// PrimaryVersion returns the major version of the server, and refuses a server that steps cannot run on.
func PrimaryVersion(ctx context.Context, conn *pgx.Conn) (major int, err error) {
	var number int
	var standby bool
	if err := conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int, pg_is_in_recovery()").Scan(&number, &standby); err != nil {
		return 0, err
	}
	major = number / 10000
	switch {
	case major < onward.OldestMajor:
		return 0, fmt.Errorf("the database is Postgres %d; this release knows %d to %d", major, onward.OldestMajor, onward.PreviewMajor)
	case standby:
		return 0, errors.New("the server is a standby and cannot be changed: name the primary")
	}
	return major, nil
}

// canMakeAutovacuumYield reports whether a step can make autovacuum give way. Autovacuum gives way to a session that has waited
// for deadlock_timeout, by default a second, and a step never waits that long. A role that may set it can lower
// it.
func canMakeAutovacuumYield(ctx context.Context, conn *pgx.Conn, major int) (bool, error) {
	return maySetParameter(ctx, conn, major, "deadlock_timeout")
}

// maySetParameter reports whether the role may set a parameter that needs superuser rights.
func maySetParameter(ctx context.Context, conn *pgx.Conn, major int, parameter string) (allowed bool, err error) {
	if major < 15 {
		err = conn.QueryRow(ctx, "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user").Scan(&allowed)
		return allowed, err
	}
	err = conn.QueryRow(ctx, "SELECT pg_catalog.has_parameter_privilege($1, 'SET')", parameter).Scan(&allowed)
	return allowed, err
}

// ConnectStandbys connects to the standbys of a primary.
func ConnectStandbys(ctx context.Context, primary *pgx.Conn, addresses []string) ([]*live.Standby, error) {
	var list []*live.Standby
	for _, url := range addresses {
		s, err := live.ConnectStandby(ctx, primary, url, standbyName)
		if err != nil {
			for _, s := range list {
				s.Close(ctx)
			}
			if run.IsAny[*live.NotStandbyError](err) {
				return nil, run.NewInputError(err.Error() + ": --replica takes standbys of the database that --db names, and that database there")
			}
			return nil, address.RedactError(err, url)
		}
		list = append(list, s)
	}
	return list, nil
}

// CloseStandbys closes the sessions on standbys. A later query reconnects.
func CloseStandbys(ctx context.Context, list []*live.Standby) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	for _, s := range list {
		s.Close(ctx)
	}
}

// DescribeStandbyError says why the standby with this index cannot be asked.
func (s *Session) DescribeStandbyError(index int, err error) string {
	if run.IsAny[*live.NotStandbyError](err) {
		return err.Error()
	}
	return "the standby " + s.Standbys[index].Name() + " cannot be asked: " + address.RedactError(err, s.Replicas[index]).Error()
}
