package release

import (
	"strings"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// StatementUnsupported flags a statement that the grammar of every version refuses, with the server's own message.
// https://www.postgresql.org/docs/current/sql-altertable.html
var StatementUnsupported = &rule.Rule{
	ID:       "release-statement-unsupported",
	Category: onward.ReleaseOrder,
	Severity: onward.Error,
	Stops:    true,
	Summary:  "the grammar of every version refuses this form of the statement",
	Harm: "The server reads the statement and refuses it before it looks at the schema: a UNIQUE constraint that is NOT VALID, " +
		"a CHECK constraint that is DEFERRABLE, two ORDER BY clauses. The migration stops there on every database.",
	Instead:   "Leave out what the message names, or use the form that has the same effect.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html"},
	Migration: checkStatementUnsupported,
}

func checkStatementUnsupported(p *rule.Pass, m *rule.Migration) {
	for _, s := range m.Statements {
		if s.Err == nil || !s.Err.Refused || s.IsOptional() {
			continue
		}
		r := rule.Report{
			Fact:    "the server refuses the statement: " + s.Err.Message,
			Harm:    "the migration stops here on every version, and with it the deploy",
			Instead: "leave it out, or use another form",
			Stops:   true,
		}
		switch {
		case !strings.HasSuffix(s.Err.Message, "NOT VALID"):
		case strings.HasPrefix(s.Err.Message, "UNIQUE"), strings.HasPrefix(s.Err.Message, "PRIMARY KEY"):
			kind, _, _ := strings.Cut(s.Err.Message, " constraints")
			r.Instead = "build the index first, outside a transaction, and attach it:\nCREATE UNIQUE INDEX CONCURRENTLY … ON … (…);\n" +
				"ALTER TABLE … ADD CONSTRAINT … " + kind + " USING INDEX …;"
		default:
			r.Instead = "leave NOT VALID out: only CHECK, FOREIGN KEY and, from Postgres 18 on, NOT NULL constraints may skip the check of old rows"
		}
		p.Report(s, r)
	}
}
