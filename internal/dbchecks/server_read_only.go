package dbchecks

import (
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

var serverReadOnly = &Check{Rule: rule.Rule{
	ID:       "server-read-only",
	Category: onward.Configuration, Severity: onward.Error,
	Summary: "Nothing can be written here: the server is a standby, or sessions are read-only",
	Harm: "The first statement of the migration fails with SQLSTATE 25006. A standby takes its schema from the primary; " +
		"default_transaction_read_only is set for the role, the database or the server, often while it is moved.",
	Instead: "Name the primary (with several hosts in the address: target_session_attrs=read-write); or find out who set default_transaction_read_only, and why.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/hot-standby.html",
		"https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-DEFAULT-TRANSACTION-READ-ONLY",
	},
}, Scope: onward.ScopeServer, Look: checkReadOnly}

func checkReadOnly(p *Pass) error {
	switch {
	case p.recovery:
		p.AddFinding(onward.Off, "", "the server is in recovery: it is a standby, and read-only",
			"the first statement of a migration fails", "name the primary; with several hosts in the address, add target_session_attrs=read-write")
	case p.settings["default_transaction_read_only"] == "on":
		scope, err := p.settingScope("default_transaction_read_only")
		if err != nil {
			return err
		}
		p.AddFinding(onward.Off, "", "sessions are read-only: default_transaction_read_only is on"+scope,
			"the first statement of a migration fails", "find out who set it, and why")
	}
	return nil
}
