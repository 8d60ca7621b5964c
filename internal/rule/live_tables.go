package rule

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// liveTable is a table of the release that the deployed code uses since a commit.
type liveTable struct {
	since int // Tx.Index
	// full: it has the rows of a deployed table, or it was in use when its migration
	// ended. Otherwise it has only the rows that the release inserted.
	full bool
}

// recordLiveTables records the tables of the release that the deployed code uses after a commit:
//   - a table with the name of a deployed one,
//   - a partition of a deployed table,
//   - a table to which the triggers of a deployed table write,
//   - a table that a deployed view reads.
func (p *Pass) recordLiveTables(t *Tx) {
	if t.RolledBack || t.Migration.Together != 0 && t.Origin == script.Runner {
		return // or not yet committed
	}
	p.current, p.at = t.After, t.Index
	for _, s := range t.Statements {
		for i := range s.Deltas {
			p.markUsedByChange(t, &s.Deltas[i])
		}
	}
	p.at = 0
}

func (p *Pass) markUsedByChange(t *Tx, d *catalog.Delta) {
	switch d.Kind {
	case catalog.RelationRenamed:
		if now := t.After.Relation(d.OID); now != nil && p.IsNew(d.OID) && p.findDeployedRelation(now.Name) != nil {
			p.markInUse(t, now, true)
		}
	case catalog.PartitionAttached:
		if d.Other != nil && !p.IsNew(d.OID) {
			p.markInUse(t, t.After.Relation(d.Other.OID), true)
		}
	case catalog.InheritanceChanged:
		if now := t.After.Relation(d.OID); now != nil && d.Other != nil && !p.IsNew(d.Other.OID) && slices.Contains(now.Inherits, d.Other.OID) {
			p.markInUse(t, now, true)
		}
	case catalog.ViewReplaced:
		if now := t.After.Relation(d.OID); now != nil && now.View != nil && !p.IsNew(d.OID) {
			for _, oid := range now.View.Reads {
				p.markInUse(t, t.After.Relation(oid), true)
			}
		}
	case catalog.TriggerCreated, catalog.TriggerChanged:
		if !p.IsNew(d.OID) && d.NewTrigger.Enabled {
			p.recordWrittenTables(t, t.After.Functions(d.NewTrigger.Function.Schema, d.NewTrigger.Function.Name))
		}
	case catalog.FunctionReplaced:
		for _, r := range t.After.CalledBy(d.NewFunction.Name.Name) {
			for _, trigger := range r.Triggers {
				if trigger.Enabled && trigger.Function == d.NewFunction.Name && !p.IsNew(r.OID) {
					p.recordWrittenTables(t, []*catalog.Function{d.NewFunction})
				}
			}
		}
	}
}

// markTablesFull records that a migration ended. The time until the next one is unknown, so
// tables in use count as full.
func (p *Pass) markTablesFull() {
	for oid, x := range p.used {
		x.full = true
		p.used[oid] = x
	}
}

// recordWrittenTables records the tables that the functions of a trigger write to.
func (p *Pass) recordWrittenTables(t *Tx, functions []*catalog.Function) {
	for _, fn := range functions {
		body, ok := p.read[fn]
		if !ok {
			if p.read == nil {
				p.read = map[*catalog.Function]*catalog.Body{}
			}
			body = catalog.ReadBody(fn)
			p.read[fn] = body
		}
		for _, r := range body.ListWrittenRelations(t.After) {
			p.markInUse(t, r, false)
		}
	}
}

// markInUse records that a table of the release is in use, with everything below it.
func (p *Pass) markInUse(t *Tx, r *catalog.Relation, full bool) {
	if r == nil || r.Inferred || !t.After.CreatedSince(p.Release.Deployed, r.OID) {
		return
	}
	if p.used == nil {
		p.used = map[catalog.OID]liveTable{}
	}
	for _, r := range t.After.ListTree(r, true) {
		if previous, ok := p.used[r.OID]; !ok || full && !previous.full {
			p.used[r.OID] = liveTable{t.Index, full}
		}
	}
}

// isInUse reports whether a table of the release went live in an earlier transaction.
// filled also requires rows: work on an empty table takes no time.
func (p *Pass) isInUse(oid catalog.OID, txIndex int, filled bool) bool {
	x, ok := p.used[oid]
	return ok && x.since < txIndex && (x.full || !filled || p.Rows.HasManyPutRows(oid))
}

// findDeployedRelation returns the relation that the deployed code knows by a name; nil for none.
func (p *Pass) findDeployedRelation(name catalog.Name) *catalog.Relation {
	if r := p.Release.Deployed.Lookup(name.Schema, name.Name); r != nil {
		return r
	}
	return p.current.FindGuess(name)
}

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
