package rule

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// demandsEmpty notes the table that a statement gives a NOT NULL column without a default:
// the server refuses that where the table has a row.
func (s *Stmt) demandsEmpty(p *Pass) {
	if s.Node.GetAlterTableStmt() == nil || s.Optional() {
		return
	}
	t := s.Altered()
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
		if col := now.Column(name); col != nil && col.Required() && !s.ofDomain(col) {
			p.Rows.Demand(t.OID)
		}
	}
}

// refills notes the rows that a statement puts into a table which was shown to have none.
func (s *Stmt) refills(p *Pass) {
	if s.Node.GetCopyStmt() == nil && s.Node.GetInsertStmt() == nil {
		return
	}
	if c := s.Node.GetCopyStmt(); c.GetIsFrom() {
		if t, _ := s.Before.Resolve(c.GetRelation()); t != nil && p.Rows.Empty(t.OID) {
			p.Rows.Put(analysis.Put{Table: t.OID, Rows: analysis.Some})
		}
		return
	}
	for _, w := range p.Writes(s) {
		if rows := w.Extent; w.Verb == "INSERT" && p.Rows.Empty(w.Table.OID) {
			if s.Loop {
				rows = max(rows, analysis.Some)
			}
			p.Rows.Put(analysis.Put{Table: w.Table.OID, Rows: rows})
		}
	}
}

// ofDomain reports whether a column may have its default from its type.
func (s *Stmt) ofDomain(col *catalog.Column) bool {
	x := s.After.Type(col.Type.OID)
	return x != nil && x.Kind == catalog.Domain && x.Default != nil
}
