package checks

import (
	"fmt"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
)

var replicaLagging = &Check{Rule: rule.Rule{
	ID:       "replica-lagging",
	Category: onward.Locking, Severity: onward.Warning, Preset: onward.Recommended,
	Summary: "A replica is behind, or none of the synchronous ones is there",
	Harm:    "A migration that rewrites, builds or fills writes as much WAL as what it works on, and a replica that is behind already falls further: reads from it are old, and it is no replacement. Without a synchronous standby every COMMIT waits, and with it every lock that a migration holds; that is an error.",
	Instead: "Wait until it has caught up; look for a long query there that holds the replay back (hot_standby_feedback, max_standby_streaming_delay), a slow disk or network.",
	Manual:  []string{"https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-REPLICATION-VIEW"},
}, Scope: onward.ScopeServer, Metric: "replica_replay_bytes_behind", Help: "Bytes of WAL that a replica has not replayed.", Look: replicas}

// ReplicasSQL asks the primary for each replica's name, state ("" where the role may not see it), sync_state, seconds
// and bytes that its replay is behind (-1: it replays none).
const ReplicasSQL = `
SELECT coalesce(nullif(application_name, ''), host(client_addr), 'process ' || pid), coalesce(state, ''), coalesce(sync_state, ''),
	coalesce(extract(epoch FROM replay_lag), 0)::float8, coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn), -1)::bigint
FROM pg_stat_replication WHERE coalesce(state, '') <> 'backup' ORDER BY 1`

func replicas(p *Pass) error {
	if p.recovery {
		return nil
	}
	if !p.stats {
		p.Opaque("how far behind the replicas are", mayNot(p, "pg_stat_replication"))
		return nil
	}
	var name, state, mode string
	var lag float64
	var behind int64
	synchronous := 0
	err := p.Each(ReplicasSQL, nil, []any{&name, &state, &mode, &lag, &behind}, func() {
		if mode == "sync" || mode == "quorum" {
			synchronous++
		}
		if behind < 0 {
			return // it receives WAL, and replays none: an archive
		}
		p.Measure(name, float64(behind))
		if late := seconds(lag); late > p.Limits.ReplicaLag || behind > p.Limits.SlotWAL {
			p.Find(onward.Off, name, fmt.Sprintf("replica %s (%s) is behind: %s of WAL are not replayed, the last reply told of %s", name, state, size.Bytes(behind), age(late)),
				"the WAL of a migration puts it further behind, and what reads from it gets old rows", "wait until it has caught up, and look for a long query on it that holds the replay back")
		}
	})
	if wanted := p.settings["synchronous_standby_names"]; err == nil && wanted != "" && synchronous == 0 {
		p.Find(onward.Error, "", "synchronous_standby_names asks for a synchronous standby, and none is there",
			"every COMMIT waits for one, with all locks held", "bring one back, or take the setting back:\nALTER SYSTEM SET synchronous_standby_names = '';")
	}
	return err
}
