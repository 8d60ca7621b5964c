package checks

import (
	"fmt"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// poolerBetween tells a pooler by the number of the server's process: the server names it
// when a session begins and when it is asked. A pooler begins the session itself, and makes
// up the number. Two clients that have one process between them share sessions.
var poolerBetween = &Check{Rule: rule.Rule{
	ID:       "pooler-between",
	Category: onward.Configuration, Severity: onward.Warning, Preset: onward.Recommended,
	Summary: "A pooler stands between here and the server, and gives each transaction a session of its choice",
	Harm:    "What a session holds is somebody else's in the next transaction: an advisory lock, by which migration tools keep a second one out, stays with a session that nobody comes back to, SET lock_timeout is lost or hits another client, temporary tables and prepared statements go missing. A pooler that keeps one session for each client is a note.",
	Instead: "Run migrations over a connection that goes straight to the server, or to a pool in session mode.",
	Manual:  []string{"https://www.pgbouncer.org/features.html"},
}, Scope: onward.ScopeConnection, Look: pooler}

func pooler(p *Pass) error {
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
		p.Find(onward.Warning, "", "a pooler stands between here and the server, and whether it keeps a session for each client is not known",
			"where it does not, advisory locks, SET and temporary tables of a migration are lost or somebody else's", way)
		if err != nil {
			p.Opaque("how the pooler gives out sessions", fmt.Sprint(err))
		}
	case shared:
		p.Find(onward.Warning, "", "a pooler stands between here and the server, and two clients have one session between them: it pools transactions",
			"advisory locks, SET and temporary tables of a migration are lost or somebody else's", way)
	default:
		p.Find(onward.Info, "", "a pooler stands between here and the server, and keeps a session for each client",
			"its own timeouts (of queries, of idle clients) end a migration too", "nothing, where these are longer than the migration")
	}
	return nil
}
