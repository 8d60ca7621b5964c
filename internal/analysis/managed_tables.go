package analysis

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// ManagedTable returns the table that a statement with these effects works on if an extension manages the table; nil
// otherwise.
func ManagedTable(before *catalog.Catalog, effects []effect.Effect) *catalog.Relation {
	for i := range effects {
		e := &effects[i]
		if r := before.Relation(e.OID); r != nil && r.Kind.IsTable() && r.Manager != catalog.Unmanaged && e.Lock >= onward.ShareUpdateExclusiveLock {
			return r
		}
	}
	return nil
}

// PerChunk is the storage parameter by which TimescaleDB builds an index one chunk at a time.
// https://docs.timescale.com/api/latest/hypertable/create_index/
const PerChunk = "timescaledb.transaction_per_chunk"

// ManagedAdvice replaces advice that was only measured on tables that no extension manages.
func ManagedAdvice(t *catalog.Relation, node *pgparse.Node, sql string) string {
	name := t.Name.String()
	if t.Manager == catalog.PartmanParent {
		return "pg_partman makes and drops partitions of " + name + " that no migration names (SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = '" +
			name +
			"'::regclass lists them). Take each of them on its own, then the parent, and change the template table, too"
	}
	index := node.GetIndexStmt()
	if t.Manager.IsHypertable() && index != nil && !index.GetUnique() && len(index.GetOptions()) == 0 {
		return name + " is " + t.Manager.String() + ". Build the index outside a transaction, which blocks writes to one chunk at a time (by its manual; " +
			"not measured):\n" + addPerChunkOption(sql) + ";"
	}
	return "not known: " + name + " is " + t.Manager.String() +
		", and what was measured on plain tables may not hold for it. Read the extension's manual, and try the release on a copy"
}

// addPerChunkOption returns CREATE INDEX in TimescaleDB's form.
func addPerChunkOption(sql string) string {
	sql = strings.TrimRight(sql, " \t\r\n;")
	if end := pgparse.AfterWord(sql, "CONCURRENTLY"); end >= 0 {
		sql = strings.TrimRight(sql[:end-len("CONCURRENTLY")], " ") + sql[end:]
	}
	const with = " WITH (" + PerChunk + ")"
	if offset := pgparse.AfterWord(sql, "WHERE"); offset >= 0 {
		offset -= len("WHERE")
		return strings.TrimRight(sql[:offset], " \t\r\n") + with + " " + sql[offset:]
	}
	return sql + with
}
