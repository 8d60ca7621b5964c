package session

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgtime"
	"github.com/onward-sql/onward/onward"
)

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
	rows, err := conn.Query(ctx, `SELECT name, reset_val FROM pg_catalog.pg_settings
		WHERE name IN ('default_transaction_read_only', 'standard_conforming_strings', 'session_replication_role', 'idle_session_timeout')`)
	if err != nil {
		return nil, err
	}
	out := &roleSettings{}
	var name, value string
	if _, err := pgx.ForEachRow(rows, []any{&name, &value}, func() error {
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
	}); err != nil {
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
