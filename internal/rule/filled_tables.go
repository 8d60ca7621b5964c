package rule

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
)

// recordFill records that a statement fills a table of this release with all rows of other
// tables, so that the table is no longer empty. An INSERT with a condition counts as a
// seed of few rows.
func (e *Engine) recordFill(s *Stmt) {
	p := e.folding
	var filledTable *catalog.Relation
	unsure := false
	created := func(rv *pgparse.RangeVar, q *pgparse.SelectStmt) {
		rows := p.EstimateRead(s, q)
		t, _ := s.After.Resolve(rv)
		s.recordPut(p, t, rows)
		if rows != analysis.Few {
			filledTable, unsure = t, rows == analysis.Some
		}
	}
	switch x := s.Node.GetNode().(type) {
	case *pgparse.Node_InsertStmt:
		p.current = s.After
		for _, w := range p.ListWrites(s) {
			if w.Verb != "INSERT" || !p.IsNew(w.Table.OID) {
				continue
			}
			if w.Extent == analysis.Whole {
				filledTable = w.Table
			}
			rows := w.Extent
			if s.Loop {
				rows = max(rows, analysis.Some)
			}
			s.recordPut(p, w.Table, rows)
		}
	case *pgparse.Node_CopyStmt:
		if x.CopyStmt.GetIsFrom() {
			t, _ := s.Before.Resolve(x.CopyStmt.GetRelation())
			s.recordPut(p, t, analysis.Some)
		}
	case *pgparse.Node_CreateTableAsStmt:
		q := x.CreateTableAsStmt.GetQuery().GetSelectStmt()
		if q != nil && !x.CreateTableAsStmt.GetInto().GetSkipData() {
			created(x.CreateTableAsStmt.GetInto().GetRel(), q)
		}
	case *pgparse.Node_SelectStmt:
		if rv := x.SelectStmt.GetIntoClause().GetRel(); rv != nil {
			created(rv, x.SelectStmt)
		}
	}
	if filledTable == nil {
		return
	}
	p.current = s.After
	if p.findHeavyEffect(s, func(e *effect.Effect) bool { return e.Scans || e.Rows }) == nil {
		return // all tables that are read are small
	}
	if e.filled == nil {
		e.filled = map[catalog.OID]bool{}
	}
	e.filled[filledTable.OID] = unsure
}

// recordPut records how many rows a statement puts into a table. It does so for the folding
// pass, and in the statement for the pass of the rules, which runs later.
func (s *Stmt) recordPut(p *Pass, t *catalog.Relation, rows analysis.Extent) {
	if t != nil && t.OID != 0 {
		x := analysis.RowPut{Table: t.OID, Rows: rows}
		s.puts = append(s.puts, x)
		p.Rows.RecordPut(x)
	}
}

// dropEmptyTableReads removes from the effects of an ALTER TABLE the reads of other tables if
// the altered table is new and empty: a foreign key then looks up no rows, however many
// the other table has. If the table has an unknown number of rows, the effect is unsure.
func (e *Engine) dropEmptyTableReads(s *Stmt) {
	stmt := s.Node.GetAlterTableStmt()
	if stmt == nil {
		return
	}
	t := s.AlteredRelation()
	p := e.folding
	p.current = s.After
	unsure, filled := e.filled[t.OID]
	if !p.IsNew(t.OID) || filled && !unsure {
		return
	}
	for _, n := range stmt.GetCmds() {
		switch n.GetAlterTableCmd().GetSubtype() {
		case pgparse.AlterTableType_AT_AddColumn, pgparse.AlterTableType_AT_AddConstraint, pgparse.AlterTableType_AT_ValidateConstraint,
			pgparse.AlterTableType_AT_DropConstraint, pgparse.AlterTableType_AT_SetNotNull, pgparse.AlterTableType_AT_ColumnDefault:
		default:
			return // ATTACH PARTITION reads another table
		}
	}
	for g := range s.Results {
		effects := s.Results[g].Result.Effects
		for i := range effects {
			if effects[i].OID != t.OID && p.IsExisting(&effects[i]) {
				effects[i].Unsure = effects[i].Unsure || filled && effects[i].Scans
				effects[i].Scans = effects[i].Scans && filled
			}
		}
	}
	s.Result = s.Results[0].Result
}
