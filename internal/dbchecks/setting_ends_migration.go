package dbchecks

import (
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
