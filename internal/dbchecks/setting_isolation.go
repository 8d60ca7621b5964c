package dbchecks

import (
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

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
