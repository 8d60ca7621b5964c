package session

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/onward"
)

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
