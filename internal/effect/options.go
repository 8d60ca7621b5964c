package effect

import (
	"strings"

	"github.com/onward-sql/onward/internal/answer"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// tableOptions are the storage parameters of tables, with the first version
// that has them (0: all). Those of autovacuum are the TOAST table's as well.
var tableOptions = map[string]int{
	"fillfactor": 0, "toast_tuple_target": 0, "parallel_workers": 0, "user_catalog_table": 0,
	"autovacuum_enabled": 0, "autovacuum_vacuum_threshold": 0, "autovacuum_vacuum_max_threshold": 18,
	"autovacuum_vacuum_scale_factor": 0, "autovacuum_vacuum_insert_threshold": 0, "autovacuum_vacuum_insert_scale_factor": 0,
	"autovacuum_analyze_threshold": 0, "autovacuum_analyze_scale_factor": 0,
	"autovacuum_vacuum_cost_delay": 0, "autovacuum_vacuum_cost_limit": 0,
	"autovacuum_freeze_min_age": 0, "autovacuum_freeze_max_age": 0, "autovacuum_freeze_table_age": 0,
	"autovacuum_multixact_freeze_min_age": 0, "autovacuum_multixact_freeze_max_age": 0, "autovacuum_multixact_freeze_table_age": 0,
	"log_autovacuum_min_duration": 0, "vacuum_index_cleanup": 0, "vacuum_truncate": 0, "vacuum_max_eager_freeze_failure_rate": 18,
}

// setOptions refuses storage parameters that a relation cannot have.
func (a *alter) setOptions(list []*pgparse.Node) {
	var known map[string]int
	switch a.rel.Kind {
	case catalog.Table, catalog.MaterializedView:
		if a.rel.Inferred || a.rel.AccessMethod != "" && a.rel.AccessMethod != "heap" {
			return // another access method has its own
		}
		known = tableOptions
	case catalog.View:
		known = answer.ViewOptions
	case catalog.PartitionedTable:
		if len(list) == 0 {
			return
		}
		if a.V.AtLeast(16) {
			a.Refuse(refuse.ParametersTable)
		} else {
			a.Refuse(refuse.ParameterUnknown, list[0].GetDefElem().GetDefname())
		}
		return
	default:
		return
	}
	for _, n := range list {
		d := n.GetDefElem()
		if s := d.GetDefnamespace(); s != "" && s != "toast" {
			a.Refuse(refuse.NamespaceUnknown, s)
			return
		}
		since, there := known[d.GetDefname()]
		if !there || since > 0 && !a.V.AtLeast(since) {
			a.Refuse(refuse.ParameterUnknown, d.GetDefname())
			return
		}
	}
}

// fixed are the built-in types that are stored in place, whatever they hold.
var fixed = []string{
	"bool", "char", "int2", "int4", "int8", "oid", "float4", "float8", "money", "name", "uuid",
	"date", "time", "timetz", "timestamp", "timestamptz", "interval", "macaddr", "macaddr8", "pg_lsn", "xid", "xid8", "cid", "tid",
	"point", "line", "lseg", "box", "circle", "regclass", "regtype", "regproc", "regprocedure", "regrole", "regnamespace",
}

// inPlace reports whether the values of a type are never compressed nor moved
// out of line.
func (r *run) inPlace(t catalog.Type) bool {
	t = r.Base(t)
	if t.Array > 0 {
		return false
	}
	if u := r.C.Type(t.OID); u != nil {
		return u.Kind == catalog.Enum
	}
	return t.Name.Schema == "pg_catalog" && contains(fixed, t.Name.Name)
}

// setStorage is SET STORAGE and SET COMPRESSION.
func (a *alter) setStorage(cmd *pgparse.AlterTableCmd) {
	word := strings.ToLower(pgparse.Text(cmd.GetDef()))
	compression := cmd.GetSubtype() == pgparse.AlterTableType_AT_SetCompression
	if !compression && word == "default" && !a.V.AtLeast(16) {
		a.Refuse(refuse.SyntaxAt, "DEFAULT")
		return
	}
	col, _ := a.Column(a.rel, cmd.GetName())
	if col == nil || col.Inferred || !a.inPlace(col.Type) {
		return
	}
	switch {
	case compression && word != "default":
		a.Refuse(refuse.ColumnCompression, col.Type.String())
	case !compression && word != "plain" && word != "default":
		a.Refuse(refuse.ColumnStorage, col.Type.String())
	}
}

// setStatistics is SET STATISTICS.
func (a *alter) setStatistics(cmd *pgparse.AlterTableCmd) {
	if cmd.GetDef() == nil && !a.V.AtLeast(17) {
		a.Refuse(refuse.SyntaxAt, "DEFAULT")
		return
	}
	if a.rel.Kind != catalog.Index && a.rel.Kind != catalog.PartitionedIndex || a.rel.Index == nil {
		return
	}
	n := int(cmd.GetNum())
	if keys := a.rel.Index.Keys; n >= 1 && n <= len(keys) && keys[n-1].Column != 0 && n <= len(a.rel.Index.Names) {
		a.Refuse(refuse.StatisticsPlain, a.rel.Index.Names[n-1], a.rel.Name.Name)
	}
}
