package dbchecks

import (
	"fmt"
	"strconv"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

var connectionsFewLeft = &Check{Rule: rule.Rule{
	ID:       "connections-few-left",
	Category: onward.Configuration, Severity: onward.Warning,
	Summary: "Four fifths of the connections are in use: the server's, or the role's",
	Harm: "While a migration holds a lock, every request that waits keeps its connection, and pools open more: " +
		"the last ones go within seconds, and then nobody gets in, not even to end the migration. From 95 % on it is an error.",
	Instead: "Close idle sessions or make pools smaller before the migration; keep superuser_reserved_connections for yourself.",
	Manual:  []string{"https://www.postgresql.org/docs/current/runtime-config-connection.html#GUC-MAX-CONNECTIONS"},
}, Scope: onward.ScopeServer, Metric: "connections_used_ratio", Help: "Connections in use, as a share of the allowed ones.", Look: checkConnections}

// pg_stat_database counts all sessions, pg_stat_activity knows the role of each session.
const connectionsSQL = `
SELECT (SELECT sum(numbackends) FROM pg_stat_database)::int, r.rolconnlimit,
	(SELECT count(*) FROM pg_stat_activity a WHERE a.usesysid = r.oid)::int, d.datconnlimit,
	(SELECT numbackends FROM pg_stat_database s WHERE s.datid = d.oid)::int
FROM pg_roles r, pg_database d WHERE r.rolname = current_user AND d.datname = current_database()`

func checkConnections(p *Pass) error {
	var used, roleLimit, byRole, dbLimit, inDB int
	if err := p.Each(connectionsSQL, nil, []any{&used, &roleLimit, &byRole, &dbLimit, &inDB}, func() {}); err != nil {
		return err
	}
	setting := func(name string) int { n, _ := strconv.Atoi(p.settings[name]); return n }
	usable := setting("max_connections") - setting("superuser_reserved_connections") - setting("reserved_connections")
	p.judgeConnections("", "of the server", used, usable)
	p.judgeConnections("role "+p.role, "that "+p.role+" may have (CONNECTION LIMIT)", byRole, roleLimit)
	p.judgeConnections("database "+p.database, "that database "+p.database+" may have (CONNECTION LIMIT)", inDB, dbLimit)
	return nil
}

// judgeConnections judges a number of connections against a limit; a limit of 0 or less is none.
func (p *Pass) judgeConnections(object, scope string, used, limit int) {
	if limit <= 0 {
		return
	}
	part := float64(used) / float64(limit)
	p.AddMeasure(object, part)
	if part < 0.8 {
		return
	}
	severity := onward.Off
	if part >= 0.95 {
		severity = onward.Error
	}
	p.AddFinding(severity, object, fmt.Sprintf("%d of the %d connections %s are in use", used, limit, scope),
		"requests that wait for a lock of the migration take the rest, and nobody else gets in", "close idle sessions, or make pools smaller, before the migration")
}
