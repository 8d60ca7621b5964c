package transaction

import (
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// CommandNotAllowed flags VACUUM, CREATE DATABASE, ALTER SYSTEM and the like
// in a transaction. https://www.postgresql.org/docs/current/sql-vacuum.html
var CommandNotAllowed = &rule.Rule{
	ID:       "transaction-command-not-allowed",
	Category: onward.InTransaction,
	Severity: onward.Error,
	Summary:  "VACUUM, CREATE DATABASE, ALTER SYSTEM and the like are refused inside a transaction",
	Harm: "These commands cannot be rolled back, or commit by themselves, so the server refuses them in a transaction block, " +
		"in a DO block and in a simple-query message of several statements. The migration fails there.",
	Instead: "Give the statement a file of its own and switch the tool's transaction off for it.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/sql-vacuum.html",
		"https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT",
	},
	Statement: checkCommandNotAllowed,
}

func checkCommandNotAllowed(p *rule.Pass, s *rule.Stmt) {
	if command := s.Result.NoTransaction; command != "" && !isConcurrent(command) {
		reportRefusedCommand(p, s)
	}
}
