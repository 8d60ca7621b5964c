package apply

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/onward"
)

// Self is this process, as the ledger and pg_stat_activity's readers know it: "onward apply on db1, process 812".
func Self(command string) string {
	host, _ := os.Hostname() // "" is as good
	return fmt.Sprintf("onward %s on %s, process %d", command, host, os.Getpid())
}

// controlName is what pg_stat_activity calls the session that watches, workName the one that works.
const (
	controlName = "onward apply (control)"
	workName    = "onward apply"
	standbyName = "onward apply (standby)"
	tableName   = "onward apply (table)" // of the migrations' own tool
)

// primary is the major version of a server that steps can be carried out on, and refuses others.
func primary(ctx context.Context, conn *pgx.Conn) (major int, err error) {
	var number int
	var standby bool
	if err := conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int, pg_is_in_recovery()").Scan(&number, &standby); err != nil {
		return 0, err
	}
	major = number / 10000
	switch {
	case major < onward.OldestMajor:
		return 0, fmt.Errorf("the database is Postgres %d; this release knows %d to %d", major, onward.OldestMajor, onward.NewestMajor)
	case standby:
		return 0, errors.New("the server is a standby, where nothing can be changed: name the primary")
	}
	return major, nil
}

// yields reports whether autovacuum can be made to give way to a step: it does that to who has waited for
// deadlock_timeout, which is a second, and a step never waits so long. A role that may set it does.
func yields(ctx context.Context, conn *pgx.Conn, major int) (bool, error) {
	return maySet(ctx, conn, major, "deadlock_timeout")
}

// maySet reports whether the role may set a parameter that is a superuser's.
func maySet(ctx context.Context, conn *pgx.Conn, major int, parameter string) (may bool, err error) {
	if major < 15 {
		err = conn.QueryRow(ctx, "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user").Scan(&may)
		return may, err
	}
	err = conn.QueryRow(ctx, "SELECT pg_catalog.has_parameter_privilege($1, 'SET')", parameter).Scan(&may)
	return may, err
}
