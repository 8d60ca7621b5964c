package dbchecks

import (
	"fmt"

	"github.com/onward-sql/onward/internal/pgstat"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
)

var replicaLagging = &Check{Rule: rule.Rule{
	ID:       "replica-lagging",
	Category: onward.Locking, Severity: onward.Warning,
	Summary: "A replica lags, or no synchronous one is connected",
	Harm: "A migration that rewrites, builds or fills writes as much WAL as the table or index has, and a replica that lags already lags more: " +
		"reads from it are old, and it cannot replace the primary. Without a synchronous standby every COMMIT waits, " +
		"and with it every lock that a migration holds; that is an error.",
	Instead: "Wait until it has caught up; look for a long query there that holds the replay back (hot_standby_feedback, max_standby_streaming_delay), " +
		"a slow disk or network.",
	Manual: []string{"https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-REPLICATION-VIEW"},
}, Scope: onward.ScopeServer, Metric: "replica_replay_bytes_behind", Help: "Bytes of WAL that a replica has not replayed.", Look: checkReplicas}

func checkReplicas(p *Pass) error {
	if p.recovery {
		return nil
	}
	if !p.stats {
		p.AddOpaque("how far the replicas lag", explainMissingRight(p, "pg_stat_replication"))
		return nil
	}
	var r pgstat.Replica
	synchronous := 0
	err := p.Each(pgstat.ReplicasSQL, nil, r.Columns(), func() {
		if r.Mode == "sync" || r.Mode == "quorum" {
			synchronous++
		}
		if r.IsArchive() {
			return
		}
		p.AddMeasure(r.Name, float64(r.Bytes))
		if late := secondsToDuration(r.Seconds); late > p.Limits.ReplicaLag || r.Bytes > p.Limits.SlotWAL {
			p.AddFinding(onward.Off, r.Name, fmt.Sprintf("replica %s (%s) lags: %s of WAL are not replayed, by its last reply of %s", r.Name, r.State,
				size.FormatBytes(r.Bytes), formatAge(late)),
				"the WAL of a migration increases the lag, and reads from it get old rows", "wait until it has caught up, and look for a long query on it that holds "+
					"the replay back")
		}
	})
	if wanted := p.settings["synchronous_standby_names"]; err == nil && wanted != "" && synchronous == 0 {
		p.AddFinding(onward.Error, "", "synchronous_standby_names asks for a synchronous standby, and none is there",
			"every COMMIT waits for one, with all locks held", "bring one back, or take the setting back:\nALTER SYSTEM SET synchronous_standby_names = '';")
	}
	return err
}
