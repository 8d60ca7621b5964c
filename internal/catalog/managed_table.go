package catalog

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// Manager is an extension that splits a table into parts, such as TimescaleDB. Its locks and the statements that it
// refuses do not follow from Postgres' manual.
type Manager uint8

// The managers that are known, by the calls that give them a table.
const (
	Unmanaged            Manager = iota
	Hypertable                   // https://docs.timescale.com/api/latest/hypertable/create_hypertable/
	CompressedHypertable         // https://docs.timescale.com/api/latest/compression/alter_table_compression/
	Distributed                  // https://docs.citusdata.com/en/stable/develop/api_udf.html
	PartmanParent                // https://github.com/pgpartman/pg_partman/blob/master/doc/pg_partman.md
)

var managerNames = [...]string{
	"", "a hypertable of TimescaleDB", "a compressed hypertable of TimescaleDB", "a table that Citus distributes",
	"partitioned by pg_partman",
}

// String completes the sentence "the table is …".
func (m Manager) String() string { return managerNames[m] }

// IsHypertable reports whether TimescaleDB keeps the table.
func (m Manager) IsHypertable() bool { return m == Hypertable || m == CompressedHypertable }

// managing are the functions that give a table a manager, with the name of the argument that names the table.
var managing = map[string]struct {
	manager  Manager
	argument string
}{
	"create_hypertable":                     {Hypertable, "relation"},
	"create_distributed_hypertable":         {Hypertable, "relation"},
	"add_compression_policy":                {CompressedHypertable, "hypertable"},
	"add_columnstore_policy":                {CompressedHypertable, "hypertable"},
	"create_distributed_table":              {Distributed, "table_name"},
	"create_distributed_table_concurrently": {Distributed, "table_name"},
	"create_reference_table":                {Distributed, "table_name"},
	"citus_add_local_table_to_metadata":     {Distributed, "table_name"},
	"undistribute_table":                    {Unmanaged, "table_name"},
	"create_parent":                         {PartmanParent, "p_parent_table"},
}

// setManager folds a call that gives a table a manager, or takes one away.
func (f *fold) setManager(call *pgparse.FuncCall) {
	m, ok := managing[pgparse.LastText(call.GetFuncname())]
	if !ok {
		return
	}
	if t := f.Lookup(query.SplitName(tableArgument(call, m.argument))); t != nil && t.Kind.IsTable() {
		f.editRelation(t.OID).copyRare().Manager = m.manager
	}
}

// tableArgument is the text of the argument of that name, or of the first one.
func tableArgument(call *pgparse.FuncCall, name string) string {
	for i, n := range call.GetArgs() {
		namedArg := n.GetNamedArgExpr()
		if namedArg == nil && i == 0 || namedArg.GetName() == name {
			if namedArg != nil {
				n = namedArg.GetArg()
			}
			if cast := n.GetTypeCast(); cast != nil {
				n = cast.GetArg()
			}
			return constText(n)
		}
	}
	return ""
}

// managerOf is the manager that the storage parameters of a table name; have is its manager without them.
func managerOf(have Manager, options map[string]string) Manager {
	for name, value := range options {
		space, option, _ := strings.Cut(name, ".")
		isOff := slices.Contains([]string{"false", "off", "0"}, strings.ToLower(value))
		switch {
		case space != "timescaledb" && space != "tsdb" || isOff:
		case option == "compress" || option == "enable_columnstore":
			have = CompressedHypertable
		case option == "hypertable" && have == Unmanaged:
			have = Hypertable
		}
	}
	return have
}
