package rule

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// recordEmptyDemand records that a statement adds a NOT NULL column without a default to a
// table. The server refuses that if the table has rows.
func (s *Stmt) recordEmptyDemand(p *Pass) {
	if s.Node.GetAlterTableStmt() == nil || s.IsOptional() {
		return
	}
	t := s.AlteredRelation()
	if t == nil || t.Kind != catalog.Table && t.Kind != catalog.PartitionedTable {
		return
	}
	now := s.After.Relation(t.OID)
	for _, n := range s.Node.GetAlterTableStmt().GetCmds() {
		cmd := n.GetAlterTableCmd()
		if cmd.GetSubtype() != pgparse.AlterTableType_AT_AddColumn || cmd.GetMissingOk() {
			continue
		}
		name := cmd.GetDef().GetColumnDef().GetColname()
		if now == nil || t.Column(name) != nil {
			continue
		}
		if col := now.Column(name); col != nil && col.IsRequired() && !s.mayHaveDomainDefault(col) {
			p.Rows.RecordEmpty(t.OID)
		}
	}
}

// recordAddedColumns records what the rows of a table hold in the columns that the statement adds. After something unseen, and in a statement
// that may be skipped, that is not known.
func (s *Stmt) recordAddedColumns(p *Pass) {
	if !s.IsOptional() && !s.AfterUnread {
		p.Rows.RecordAdded(s.Deltas)
	}
}

// recordRefill records the rows that a statement puts into a table that was known to be empty.
func (s *Stmt) recordRefill(p *Pass) {
	if s.Node.GetCopyStmt() == nil && s.Node.GetInsertStmt() == nil {
		return
	}
	if c := s.Node.GetCopyStmt(); c.GetIsFrom() {
		if t, _ := s.Before.Resolve(c.GetRelation()); t != nil && p.Rows.IsNearlyEmpty(t.OID) {
			p.Rows.RecordPut(analysis.RowPut{Table: t.OID, Rows: analysis.Some})
		}
		return
	}
	for _, w := range p.ListWrites(s) {
		if rows := w.Extent; w.Verb == "INSERT" && p.Rows.IsNearlyEmpty(w.Table.OID) {
			if s.Loop {
				rows = max(rows, analysis.Some)
			}
			p.Rows.RecordPut(analysis.RowPut{Table: w.Table.OID, Rows: rows})
		}
	}
}

// mayHaveDomainDefault reports whether a column may get its default from its domain.
func (s *Stmt) mayHaveDomainDefault(col *catalog.Column) bool {
	x := s.After.Type(col.Type.OID)
	return x != nil && x.Kind == catalog.Domain && x.Default != nil
}
