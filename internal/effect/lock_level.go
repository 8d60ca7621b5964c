package effect

import (
	"cmp"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refusal"
	"github.com/onward-sql/onward/onward"
)

const (
	as              = onward.AccessShareLock
	rs              = onward.RowShareLock
	rx              = onward.RowExclusiveLock
	sue             = onward.ShareUpdateExclusiveLock
	sh              = onward.ShareLock
	sre             = onward.ShareRowExclusiveLock
	ex              = onward.ExclusiveLock
	accessExclusive = onward.AccessExclusiveLock
)

// lockLevel is the lock that an ALTER TABLE takes for all of its subcommands:
// the strongest that one of them needs.
func lockLevel(cmds []*pgparse.Node) onward.Lock {
	level := sue
	for _, n := range cmds {
		level = max(level, commandLevel(n.GetAlterTableCmd()))
	}
	return level
}

func commandLevel(cmd *pgparse.AlterTableCmd) onward.Lock {
	switch cmd.GetSubtype() {
	case pgparse.AlterTableType_AT_AddConstraint:
		if cmd.GetDef().GetConstraint().GetContype() == pgparse.ConstrType_CONSTR_FOREIGN {
			return sre
		}
		return accessExclusive
	case pgparse.AlterTableType_AT_SetRelOptions, pgparse.AlterTableType_AT_ResetRelOptions:
		return optionsLevel(cmd.GetDef().GetList().GetItems())
	case pgparse.AlterTableType_AT_DetachPartition:
		if cmd.GetDef().GetPartitionCmd().GetConcurrent() {
			return sue
		}
		return accessExclusive
	}
	return cmp.Or(catalog.CommandOf(cmd.GetSubtype()).Lock, accessExclusive)
}

// lightOptions are the storage parameters that can be set under SHARE UPDATE EXCLUSIVE,
// in addition to autovacuum's (reloptions.c).
var lightOptions = map[string]bool{
	"fillfactor": true, "toast_tuple_target": true, "parallel_workers": true, "vacuum_truncate": true,
	"vacuum_index_cleanup": true, "log_autovacuum_min_duration": true, "log_autoanalyze_min_duration": true, "deduplicate_items": true,
	"vacuum_cleanup_index_scale_factor": true, "vacuum_max_eager_freeze_failure_rate": true,
}

func optionsLevel(options []*pgparse.Node) onward.Lock {
	for _, o := range options {
		name := o.GetDefElem().GetDefname()
		if !lightOptions[name] && !strings.HasPrefix(name, "autovacuum_") {
			return accessExclusive
		}
	}
	return sue
}

// hasStorage reports whether a relation has a file of its own.
func hasStorage(rel *catalog.Relation) bool { return refusal.HasStorage(rel) }
