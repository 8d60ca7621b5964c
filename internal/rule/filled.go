package rule

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
)

// fills notes the table of this release that a statement fills with all rows of
// others: new is not empty from there on. An INSERT with a condition is what a
// seed does, and is taken for one.
func (e *Engine) fills(s *Stmt) {
	p := e.folding
	var into *catalog.Relation
	unsure := false
	created := func(rv *pgparse.RangeVar, q *pgparse.SelectStmt) {
		rows := p.Reads(s, q)
		t, _ := s.After.Resolve(rv)
		s.put(p, t, rows)
		if rows != analysis.Few {
			into, unsure = t, rows == analysis.Some
		}
	}
	switch x := s.Node.GetNode().(type) {
	case *pgparse.Node_InsertStmt:
		p.current = s.After
		for _, w := range p.Writes(s) {
			if w.Verb != "INSERT" || !p.New(w.Table.OID) {
				continue
			}
			if w.Extent == analysis.Whole {
				into = w.Table
			}
			rows := w.Extent
			if s.Loop {
				rows = max(rows, analysis.Some)
			}
			s.put(p, w.Table, rows)
		}
	case *pgparse.Node_CopyStmt:
		if x.CopyStmt.GetIsFrom() {
			t, _ := s.Before.Resolve(x.CopyStmt.GetRelation())
			s.put(p, t, analysis.Some)
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
	if into == nil {
		return
	}
	p.current = s.After
	if p.heavy(s, func(e *effect.Effect) bool { return e.Scans || e.Rows }) == nil {
		return // from nothing that is big
	}
	if e.filled == nil {
		e.filled = map[catalog.OID]bool{}
	}
	e.filled[into.OID] = unsure
}

// put notes how many rows a statement puts into a table, for the pass that folds, and,
// with the statement, for that of the rules, which comes behind it at its own pace.
func (s *Stmt) put(p *Pass, t *catalog.Relation, rows analysis.Extent) {
	if t != nil && t.OID != 0 {
		x := analysis.Put{Table: t.OID, Rows: rows}
		s.puts = append(s.puts, x)
		p.Rows.Put(x)
	}
}

// looksUpNothing takes from the effects of an ALTER TABLE what it would read of
// other tables, where the table is new and nothing has filled it: for a foreign
// key no row is looked up, however many there are. With some rows of others in
// it, that much is unsure.
func (e *Engine) looksUpNothing(s *Stmt) {
	stmt := s.Node.GetAlterTableStmt()
	if stmt == nil {
		return
	}
	t := s.Altered()
	p := e.folding
	p.current = s.After
	unsure, filled := e.filled[t.OID]
	if !p.New(t.OID) || filled && !unsure {
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
			if effects[i].OID != t.OID && p.Existing(&effects[i]) {
				effects[i].Unsure = effects[i].Unsure || filled && effects[i].Scans
				effects[i].Scans = effects[i].Scans && filled
			}
		}
	}
	s.Result = s.Results[0].Result
}
