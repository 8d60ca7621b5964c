// Package session has the sessions of a run on its target: their settings, their transactions, and how long they may be silent.
package session

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgtime"
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

// roleSettings are settings of the role and of the database (ALTER ROLE … SET, ALTER DATABASE … SET) that decide whether
// steps can run.
type roleSettings struct {
	readOnly   bool   // default_transaction_read_only
	escapes    bool   // standard_conforming_strings is off
	replicates string // session_replication_role
	idleLimit  string // idle_session_timeout, if it is shorter than the pulse of the session that renews the lease; else ""
	replicator bool   // the role may set session_replication_role
	values     []live.Setting
}

// readRoleSettings reads the settings of the session's role. Onward's own settings of the transaction do not change their reset_val.
func readRoleSettings(ctx context.Context, conn *pgx.Conn, major int) (*roleSettings, error) {
	rows, _ := conn.Query(ctx, `SELECT name, reset_val FROM pg_catalog.pg_settings
		WHERE name IN ('default_transaction_read_only', 'standard_conforming_strings', 'session_replication_role', 'idle_session_timeout')`)
	out := &roleSettings{}
	var name, value string
	_, err := pgx.ForEachRow(rows, []any{&name, &value}, func() error {
		switch name {
		case "default_transaction_read_only":
			out.readOnly = value == "on"
		case "standard_conforming_strings":
			out.escapes = value == "off"
		case "idle_session_timeout": // from 14 on
			if limit, err := strconv.Atoi(value); err == nil && limit > 0 && time.Duration(limit)*time.Millisecond <= ledger.Renewal {
				out.idleLimit = pgtime.Format(limit)
			}
		default:
			out.replicates = value
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if out.values, err = live.RoleValues(ctx, conn); err != nil {
		return nil, err
	}
	out.replicator, err = maySetParameter(ctx, conn, major, "session_replication_role")
	return out, err
}

// CheckRoleSettings refuses a database on which the steps would fail, or do something other than what was proven.
func (s *Session) CheckRoleSettings(plan *onward.Plan) error {
	switch r := s.role; {
	case r.readOnly:
		return &run.RefusedError{Text: "default_transaction_read_only is on for this role or this database, and onward does not override it. " +
			"If writes are allowed again, reset it (ALTER ROLE or ALTER DATABASE … RESET default_transaction_read_only), then run this again"}
	case r.idleLimit != "":
		return &run.RefusedError{Text: fmt.Sprintf("idle_session_timeout is %s for this role or this database: the server would end the session that renews "+
			"the lease, which asks every %s. Nothing was changed. Set it for the role of onward alone (ALTER ROLE … SET idle_session_timeout = 0), then run this again",
			r.idleLimit, pgtime.Format(int(ledger.Renewal.Milliseconds())))}
	case s.AsWritten:
		return nil
	case r.replicates != "origin" && !r.replicator:
		return &run.RefusedError{Text: "session_replication_role is " + r.replicates +
			" for this role or this database, and the role may not set it: triggers that the plan relies on would not run. Reset it, then run this again"}
	case r.escapes:
		if err := checkStringEscapes(plan); err != nil {
			return err
		}
	}
	return s.checkValueSettings(plan)
}

// checkValueSettings refuses a plan that was proven under settings other than the role's: the migration tool could produce
// different rows.
func (s *Session) checkValueSettings(plan *onward.Plan) error {
	for _, tried := range plan.Proof.Settings {
		for _, setting := range s.role.values {
			if setting.Name == tried.Name && setting.Value != tried.Value {
				return &run.RefusedError{Text: fmt.Sprintf("%s is %s for this role or this database, and the plan was proven with %s: "+
					"values could become other texts, and texts other values. "+
					"Make the plan again with --db, as this role", setting.Name, setting.Value, tried.Value)}
			}
		}
	}
	return nil
}

// checkStringEscapes refuses a plan with strings that the role's own tool would parse differently.
func checkStringEscapes(plan *onward.Plan) error {
	for i := range plan.Steps {
		s := &plan.Steps[i]
		if pgparse.HasPlainBackslash(s.SQL) || pgparse.HasPlainBackslash(s.Check) {
			return &run.RefusedError{Step: s.ID, Text: `standard_conforming_strings is off for this role or this database: its tools read a \ in '…' as an escape, ` +
				`and the plan was proven with a \ that is a character. ` +
				`Write the string as E'…' in the migration and make the plan again, or reset the setting`}
		}
	}
	return nil
}

// stepSettings returns the settings for the transaction of a step, with the plan's search_path. An unchanged migration gets all of the role's
// settings, as with its own tool. A plan's SQL is parsed as it was proven. Conversions between values and text use the
// role's settings, so that the rows are the same as the tool would make. A plan that was made with --db was proven with
// these settings, which [Session.checkValueSettings] compares.
func (s *Session) stepSettings(session *pgx.Conn) string {
	if s.AsWritten {
		return live.SetDefault(live.ReadSettings(session), live.ValueSettings) + s.SearchPathSQL()
	}
	out := live.SetDefault(live.ValueSettings)
	if s.role.replicates != "origin" {
		out += "SET LOCAL session_replication_role = origin; "
	}
	return out + s.SearchPathSQL()
}

// sessionSettings returns the statements that do the same for a session, for a step outside of a transaction.
func (s *Session) sessionSettings() []string {
	if s.AsWritten {
		return nil
	}
	var out []string
	for _, setting := range live.ReadSettings(s.Work) {
		out = append(out, fmt.Sprintf("SET %s = %s", setting.Name, setting.Value))
	}
	return out
}
