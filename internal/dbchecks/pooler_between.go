package dbchecks

import (
	"fmt"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// poolerBetween detects a pooler by the process ID of the server. The server sends it when
// a session begins, and returns it in a query. A pooler begins the client's session itself
// and makes up the number. Two clients with one process ID share sessions.
var poolerBetween = &Check{Rule: rule.Rule{
	ID:       "pooler-between",
	Category: onward.Configuration, Severity: onward.Warning,
	Summary: "A pooler is between onward and the server, and gives each transaction any session",
	Harm: "The next transaction may run in another client's session. The advisory lock with which migration tools exclude a second run stays in a session " +
		"that the tool does not get again. SET lock_timeout is lost or hits another client. Temporary tables and prepared statements are missing. " +
		"A pooler that keeps one session for each client is a note.",
	Instead: "Run migrations over a connection that goes straight to the server, or to a pool in session mode.",
	Manual:  []string{"https://www.pgbouncer.org/features.html"},
}, Scope: onward.ScopeConnection, Look: checkPooler}

func checkPooler(p *Pass) error {
	if p.PID == uint32(p.backend) {
		return nil
	}
	const way = "connect migrations straight to the server, or through a pool in session mode"
	var shared bool
	var err error
	if p.Shared != nil {
		shared, err = p.Shared()
	}
	switch {
	case err != nil || p.Shared == nil:
		p.AddFinding(onward.Warning, "", "a pooler is between onward and the server, and it is not known whether it keeps a session for each client",
			"if it does not, advisory locks, SET and temporary tables of a migration are lost or reach another client", way)
		if err != nil {
			p.AddOpaque("how the pooler gives out sessions", fmt.Sprint(err))
		}
	case shared:
		p.AddFinding(onward.Warning, "", "a pooler is between onward and the server, and two clients share one session: it pools transactions",
			"advisory locks, SET and temporary tables of a migration are lost or somebody else's", way)
	default:
		p.AddFinding(onward.Info, "", "a pooler is between onward and the server, and keeps a session for each client",
			"its own timeouts (of queries, of idle clients) end a migration too", "nothing, where these are longer than the migration")
	}
	return nil
}
