package dbchecks

import (
	"strconv"
	"time"

	"github.com/onward-sql/onward/internal/pgtime"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

var settingEndsMigration = &Check{Rule: rule.Rule{
	ID:       "setting-ends-migration",
	Category: onward.Configuration, Severity: onward.Warning,
	Summary: "Sessions of the role have a timeout that ends long work",
	Harm: "statement_timeout and transaction_timeout end a concurrent build, VALIDATE CONSTRAINT or a backfill in the middle: " +
		"the build leaves an invalid index. lock_timeout, which is good for ALTER TABLE, also ends a concurrent build that waits for old transactions; " +
		"it is a note. Timeouts of an hour and more are not reported. idle_session_timeout of up to five seconds ends the session with which " +
		"onward apply renews its lease: apply refuses it.",
	Instead: "Set them for the migration's own session: SET statement_timeout = 0 before what takes long, or ALTER ROLE … SET for a role that only migrates.",
	Manual:  []string{"https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-STATEMENT-TIMEOUT"},
}, Scope: onward.ScopeRole, Look: checkTimeouts}

func checkTimeouts(p *Pass) error {
	for _, s := range []struct {
		name, harm string
		severity   onward.Severity
	}{
		{"statement_timeout", "a concurrent build, VALIDATE CONSTRAINT or UPDATE that takes longer is ended; the build leaves an invalid index", onward.Warning},
		{"transaction_timeout", "a migration in one transaction that takes longer loses its session", onward.Warning},
		{"lock_timeout", "a concurrent build that waits longer for old transactions is ended, and leaves an invalid index", onward.Info},
	} {
		limit := p.settingDuration(s.name)
		if limit == 0 || limit >= time.Hour {
			continue
		}
		scope, err := p.settingScope(s.name)
		if err != nil {
			return err
		}
		p.AddFinding(s.severity, s.name, s.name+" is "+pgtime.Format(int(limit.Milliseconds()))+scope, s.harm,
			"in the session, before what takes long:\nSET "+s.name+" = 0;")
	}
	const name = "idle_session_timeout"
	limit := p.settingDuration(name)
	if limit == 0 || limit > onwardPulse {
		return nil
	}
	scope, err := p.settingScope(name)
	if err == nil {
		p.AddFinding(onward.Warning, name, name+" is "+pgtime.Format(int(limit.Milliseconds()))+scope, "onward apply refuses to begin: the session that renews its "+
			"lease would be ended", "for the role that migrates:\nALTER ROLE "+quoteName(p.role)+" SET "+name+" = 0;")
	}
	return err
}

// onwardPulse is how often the session that renews a lease asks the server something.
const onwardPulse = 5 * time.Second

var settingIsolation = &Check{Rule: rule.Rule{
	ID:       "setting-isolation",
	Category: onward.Configuration, Severity: onward.Warning,
	Summary: "Transactions of the role are not READ COMMITTED by default",
	Harm: "Under REPEATABLE READ and SERIALIZABLE, UPDATE and DELETE of a row that somebody else has changed since the transaction began fail with SQLSTATE " +
		"40001: a backfill beside traffic does so again and again. And a transaction that waited for its lock goes on with a snapshot from before the wait.",
	Instead: "Set it for the migration's own session or role: default_transaction_isolation = 'read committed'.",
	Manual:  []string{"https://www.postgresql.org/docs/current/transaction-iso.html"},
}, Scope: onward.ScopeRole, Look: checkIsolation}

func checkIsolation(p *Pass) error {
	level := p.settings["default_transaction_isolation"]
	if level == "read committed" || level == "read uncommitted" {
		return nil
	}
	scope, err := p.settingScope("default_transaction_isolation")
	if err == nil {
		p.AddFinding(onward.Off, "default_transaction_isolation", "default_transaction_isolation is "+level+scope,
			"a backfill beside traffic fails with SQLSTATE 40001 wherever somebody changed the same row", "in the session of the migration:\n"+
				"SET default_transaction_isolation = 'read committed';")
	}
	return err
}

// setBySQL finds the ALTER ROLE or ALTER DATABASE that sets a setting of this session.
const setBySQL = `
SELECT coalesce((SELECT rolname FROM pg_roles WHERE oid = s.setrole), '')::text, s.setdatabase <> 0
FROM pg_db_role_setting s
WHERE s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = current_user)) AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
	AND EXISTS (SELECT FROM unnest(s.setconfig) AS v WHERE v LIKE $1::text || '=%')
ORDER BY s.setrole <> 0 AND s.setdatabase <> 0 DESC, s.setrole <> 0 DESC LIMIT 1`

// settingScope says for whom a setting is set: " for role app", or "" if the server's
// configuration or the connection string sets it.
func (p *Pass) settingScope(setting string) (string, error) {
	var role string
	var db bool
	scope := ""
	err := p.Each(setBySQL, []any{setting}, []any{&role, &db}, func() {
		switch {
		case role != "" && db:
			scope = " for role " + role + " in this database"
		case role != "":
			scope = " for role " + role
		default:
			scope = " for this database"
		}
	})
	return scope, err
}

// settingDuration returns a setting whose base unit is the millisecond, such as lock_timeout.
func (p *Pass) settingDuration(setting string) time.Duration {
	n, _ := strconv.ParseInt(p.settings[setting], 10, 64)
	return time.Duration(n) * time.Millisecond
}
