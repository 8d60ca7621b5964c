package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// RepackSince is the version that brought REPACK (CONCURRENTLY).
const RepackSince = 19

// tableRepack writes a table anew while others read and write: VACUUM FULL, CLUSTER and REPACK become REPACK (CONCURRENTLY).
// https://www.postgresql.org/docs/19/sql-repack.html
var tableRepack = &Recipe{Name: "table-repack", Make: func(c *Change) *Steps {
	if len(c.Release.Versions) == 0 || slices.Min(c.Release.Versions) < RepackSince {
		return nil
	}
	list := c.listRepacked()
	if len(list) == 0 || !c.blocksOthers() && pgparse.RepackedTable(c.Node) == nil {
		return nil
	}
	m := &Steps{}
	for _, r := range list {
		if t := r.table; !CanRepack(t) || t.Inferred || t.Partial || c.Before.CreatedSince(c.Release.Deployed, t.OID) {
			return nil
		}
		s := m.addStep(c.phaseAfterFills(onward.Expand), onward.StepConcurrent, "write "+r.table.Name.String()+" anew while others read and write. It begins when "+
			"no transaction with an older snapshot is open", r.formatSQL())
		if r.index != "" {
			s.Undo = []string{c.restoreClusterMark(r.table)}
		}
	}
	m.addNote("REPACK (CONCURRENTLY) gives the table a new file: %s. onward apply and onward guard do not begin REPACK while one is open. "+
		"One that begins meanwhile is not protected.", RepackHarm("the table"))
	return m
}}

// RepackHarm says what REPACK (CONCURRENTLY) does to older snapshots, as a part of a sentence.
func RepackHarm(table string) string {
	return "a transaction with an older snapshot (REPEATABLE READ, pg_dump, a subscriber's first copy) that reads " + table +
		" afterwards gets no rows, without an error"
}

// IsRepack reports whether a step is REPACK (CONCURRENTLY).
func IsRepack(s *onward.PlanStep) bool {
	return s.Transaction == onward.TransactionNone && strings.Contains(strings.ToLower(s.SQL), "repack") &&
		pgparse.RepackedTable(pgparse.ParseStatement(s.SQL)) != nil
}

// repackedTable is a table that a statement writes anew.
type repackedTable struct {
	table *catalog.Relation
	// order is USING INDEX; "" keeps the order of the rows. index is the index that it names, and that gets the mark.
	order, index     string
	analyze, verbose bool
	columns          []string // that ANALYZE reads
}

// CanRepack reports whether the server takes a table for REPACK (CONCURRENTLY): it decodes the changes that others make, row by row.
func CanRepack(t *catalog.Relation) bool {
	return t.Kind == catalog.Table && t.Persistence == catalog.Permanent && t.ReplicaIdentity != "full" && t.HasReplicaIdentity()
}

func (r *repackedTable) formatSQL() string {
	options := "CONCURRENTLY"
	if r.verbose {
		options += ", VERBOSE"
	}
	if r.analyze {
		options += ", ANALYZE"
	}
	sql := "REPACK (" + options + ") " + tableName(r.table)
	if len(r.columns) > 0 {
		sql += " (" + strings.Join(r.columns, ", ") + ")"
	}
	return sql + r.order
}

// restoreClusterMark returns the statement after which a table has the mark of its order as it is before.
func (c *Change) restoreClusterMark(t *catalog.Relation) string {
	for _, i := range c.Before.IndexesOf(t) {
		if i.Index != nil && i.Index.Clustered {
			return "ALTER TABLE " + tableName(t) + " CLUSTER ON " + quoteIdent(i.Name.Name)
		}
	}
	return "ALTER TABLE " + tableName(t) + " SET WITHOUT CLUSTER"
}

// listRepacked returns the tables that a statement names and writes anew; nil if it is another statement, or one about all tables.
func (c *Change) listRepacked() (out []*repackedTable) {
	switch n := c.Node.GetNode().(type) {
	case *pgparse.Node_VacuumStmt:
		options := n.VacuumStmt.GetOptions()
		if !pgparse.BoolOption(options, "full", false) {
			return nil
		}
		for _, item := range n.VacuumStmt.GetRels() {
			v := item.GetVacuumRelation()
			r := &repackedTable{table: c.resolveRelation(v.GetRelation()), verbose: pgparse.BoolOption(options, "verbose", false)}
			r.analyze, r.columns = pgparse.BoolOption(options, "analyze", false), quoteColumns(v.GetVaCols())
			out = append(out, r)
		}
	case *pgparse.Node_ClusterStmt:
		s := n.ClusterStmt
		r := &repackedTable{table: c.resolveRelation(s.GetRelation()), verbose: pgparse.BoolOption(s.GetParams(), "verbose", false)}
		if repack := pgparse.RepackOf(s); repack != nil {
			r.analyze, r.columns = repack.Analyze, quoteColumns(repack.Columns)
		}
		r.index, r.order = s.GetIndexname(), RepackOrder(s)
		out = append(out, r)
	}
	if slices.ContainsFunc(out, func(r *repackedTable) bool { return r.table == nil }) {
		return nil
	}
	return out
}

// RepackOrder returns the clause of REPACK that sorts a table as a CLUSTER or REPACK does: " USING INDEX orders_total"; "" keeps the order of
// the rows.
func RepackOrder(s *pgparse.ClusterStmt) string {
	repack := pgparse.RepackOf(s)
	switch {
	case s.GetIndexname() != "":
		return " USING INDEX " + quoteIdent(s.GetIndexname())
	case repack == nil || repack.UsingIndex:
		return " USING INDEX"
	}
	return ""
}

func quoteColumns(list []*pgparse.Node) (out []string) {
	for _, name := range pgparse.StringTexts(list) {
		out = append(out, quoteIdent(name))
	}
	return out
}
