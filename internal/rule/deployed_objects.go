package rule

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
)

// IsDeployed reports whether the deployed code can know the relation of a change: the
// relation existed before the release, or its origin is unknown. It is false for
// temporary tables, and for changes that run after the deploy, when no old code is left.
func (p *Pass) IsDeployed(d *Delta) bool {
	if d.Before == nil || d.By != nil && d.By.Migration != nil && d.By.Migration.Runner.AfterDeploy {
		return false
	}
	txIndex := p.at
	if d.By != nil && d.By.Tx != nil {
		txIndex = d.By.Tx.Index
	}
	if _, isLive := p.used[d.OID]; isLive && d.Kind == catalog.RelationRenamed && d.After != nil && p.findDeployedRelation(d.After.Name) != nil {
		return false // it takes its place
	}
	return p.isDeployedRelation(d.Before, txIndex)
}

func (p *Pass) isDeployedRelation(r *catalog.Relation, txIndex int) bool {
	if r.Name.Schema == "pg_temp" || r.Persistence == catalog.Temporary {
		return false
	}
	return r.Inferred || !p.IsNew(r.OID) || p.isInUse(r.OID, txIndex, false)
}

// DeployedType reports whether a type was there before the release.
func (p *Pass) DeployedType(t *catalog.UserType) bool {
	return t != nil && (t.Inferred || p.Release.Deployed.Type(t.OID) != nil)
}

// DeployedSchema reports whether a schema was there before the release: the deployed
// catalog has it, or nothing ever created it.
func (p *Pass) DeployedSchema(name string, before *catalog.Catalog) bool {
	key := catalog.Name{Name: name}
	return p.Release.Deployed.Object("schema", key) != nil || before.Object("schema", key) == nil
}

// DeployedFunction reports whether a function was there before the release.
func (p *Pass) DeployedFunction(f *catalog.Function) bool {
	return f != nil && p.Release.Deployed.HasIssued(f.OID)
}

// unlistedEffect returns the effect of a statement on relations that it does not name and that
// no statement created. They may exist nevertheless. It returns nil if the deployed
// schema is known as far as the statement needs it.
func (p *Pass) unlistedEffect(r *effect.Result) *effect.Effect {
	u, deployed := r.Unlisted, p.Release.Deployed
	if u == nil || p.Release.Known || deployed.Complete || !u.Sure && !deployed.IsBlank(u.Schema) {
		return nil
	}
	return &u.Effect
}

// NewColumn reports whether the deployed code does not know a column: the release added
// it, or replaced another column of its name.
func (p *Pass) NewColumn(d *Delta, c *catalog.Column) bool {
	if c == nil || c.Inferred {
		return false
	}
	r := p.Release.Deployed.Relation(d.OID)
	if _, live := p.used[d.OID]; r == nil && live {
		deployedTable := p.findDeployedRelation(d.Name())
		return deployedTable == nil || !deployedTable.Inferred && deployedTable.Column(c.Name) == nil
	}
	if r == nil {
		return true // of a table that was inferred since: a statement added it
	}
	return d.findDeployedName(r, c) == ""
}

// findDeployedName returns the name by which the deployed code knows a column of a change's table;
// r is the deployed table. It is the column's name before the change if the deployed
// table has a column of that name, even another one. Otherwise it is the column's
// deployed name, unless another column has that name now; "" for a column that the code
// does not know.
func (d *Delta) findDeployedName(r *catalog.Relation, c *catalog.Column) string {
	if d.Before != nil {
		if columnBefore := d.Before.Attr(c.Attnum); columnBefore != nil && columnBefore.Name == c.Name && r.Column(c.Name) != nil {
			return c.Name
		}
	}
	old := r.Attr(c.Attnum)
	if old == nil {
		return ""
	}
	for _, now := range []*catalog.Relation{d.Before, d.After} {
		if now == nil {
			continue
		}
		if other := now.Column(old.Name); other != nil && other.Attnum != c.Attnum {
			return ""
		}
	}
	return old.Name
}

// DeployedName returns the deployed name of a change's relation. Earlier statements of
// the release may have renamed it.
func (p *Pass) DeployedName(d *Delta) catalog.Name {
	if r := p.Release.Deployed.Relation(d.OID); r != nil {
		return r.Name
	}
	return d.Name()
}

// UsesTable returns how the deployed code uses the relation of a change, by its deployed
// name.
func (p *Pass) UsesTable(d *Delta) analysis.Usage { return p.Code.FindUses(p.DeployedName(d), "") }

// UsesColumn returns how the deployed code uses a column of a change's relation, by their
// deployed names.
func (p *Pass) UsesColumn(d *Delta, c *catalog.Column) analysis.Usage {
	return p.Code.FindUses(p.DeployedName(d), p.deployedColumnName(d, c))
}

// deployedColumnName returns the deployed name of a column.
func (p *Pass) deployedColumnName(d *Delta, c *catalog.Column) string {
	if r := p.Release.Deployed.Relation(d.OID); r != nil {
		if known := d.findDeployedName(r, c); known != "" {
			return known
		}
	}
	return c.Name
}

// LeavesOut finds an INSERT in the deployed code that omits a deployed column; nil if
// there is none.
func (p *Pass) LeavesOut(d *Delta, c *catalog.Column) *analysis.Insert {
	return p.findInsert(d, c, false)
}

// FindInsert finds an INSERT in the deployed code that writes a deployed column; nil if
// there is none.
func (p *Pass) FindInsert(d *Delta, c *catalog.Column) *analysis.Insert {
	return p.findInsert(d, c, true)
}

// LeftOut returns an INSERT of the deployed code that leaves a column of a deployed table
// to its default; nil if none is seen.
func (p *Pass) LeftOut(t *catalog.Relation, c *catalog.Column) *analysis.Insert {
	if t == nil || t.Attr(c.Attnum) == nil {
		return nil
	}
	inserts := p.Code.FindUses(t.Name, "").Inserts
	for i := range inserts {
		if !slices.Contains(inserts[i].Columns, t.Attr(c.Attnum).Name) {
			return &inserts[i]
		}
	}
	return nil
}

// findInsert returns the first INSERT of the deployed code that writes a deployed column, or
// omits it.
func (p *Pass) findInsert(d *Delta, c *catalog.Column, writes bool) *analysis.Insert {
	if p.NewColumn(d, c) {
		return nil
	}
	name := p.deployedColumnName(d, c)
	inserts := p.UsesTable(d).Inserts
	for i := range inserts {
		if slices.Contains(inserts[i].Columns, name) == writes {
			return &inserts[i]
		}
	}
	return nil
}

// IsOmitted reports whether the INSERTs of the deployed code certainly omit a column: the
// code does not know the column, and it uses the table or its use of the table is
// unknown.
func (p *Pass) IsOmitted(d *Delta, c *catalog.Column) bool {
	if p.NewColumn(d, c) {
		return true
	}
	u, table := p.UsesColumn(d, c), p.UsesTable(d)
	return u.IsIdle() && !u.Mentioned && (table.Used || !table.Known)
}

// FindChange finds another change of the same transaction; nil if there is none.
func (t *Tx) FindChange(kind catalog.DeltaKind, match func(*Delta) bool) *Delta {
	for i := range t.Deltas {
		if d := &t.Deltas[i]; d.Kind == kind && match(d) {
			return d
		}
	}
	return nil
}

// RelativePlace names a statement in a message about another one: ":12", or "0002_x.sql:12" in
// another migration.
func (s *Stmt) RelativePlace(from *Stmt) string {
	if m := from.Migration; s.Migration == m || s.Migration.Path == m.Path && s.Migration.index == m.index {
		return s.FormatPlace()
	}
	return s.Migration.Path + s.FormatPlace()
}

// UsesOfTaken returns the uses of a column that a commit drops or renames, or of the relation
// of a change if c is nil. They include uses by the deployed code and by the functions
// that exist at commit.
func (p *Pass) UsesOfTaken(t *Tx, d *Delta, c *catalog.Column) analysis.Usage {
	if c == nil {
		u := p.UsesTable(d)
		u.Functions = p.functionsNaming(t, d.Before, "", nil)
		return u
	}
	u, after := p.UsesColumn(d, c), d.After
	if after != nil && after.Column(c.Name) != nil {
		after = nil // its own triggers find it
	}
	u.Functions = p.functionsNaming(t, d.Before, c.Name, after)
	return u
}

// functionsNaming lists the functions that exist at commit and name a relation, or a column of it.
// after is the relation at commit, with its triggers.
func (p *Pass) functionsNaming(t *Tx, r *catalog.Relation, column string, after *catalog.Relation) []analysis.FunctionUse {
	if r.OID == 0 {
		return nil
	}
	return p.FunctionBodies(t).FindNaming(analysis.TakenObject{Relation: r, Column: column, After: after, Before: t.Before, Last: t.Migration.After()})
}

// FunctionBodies returns the bodies of the functions that exist at a commit. t must be the
// transaction judged last. Deployed bodies are read once, and then only those that the
// release creates, because a catalog may have many.
func (p *Pass) FunctionBodies(t *Tx) *analysis.Bodies {
	if p.functions == nil {
		p.functions = analysis.NewBodies(p.Release.Deployed, p.Code)
	}
	p.functions.MoveTo(t.After, p.made)
	p.made = nil
	return p.functions
}

// recordFunctions records the functions that a transaction creates or changes.
func (p *Pass) recordFunctions(t *Tx) {
	for i := range t.Deltas {
		switch d := &t.Deltas[i]; d.Kind {
		case catalog.FunctionCreated, catalog.FunctionReplaced, catalog.FunctionRenamed:
			p.made = append(p.made, d.NewFunction)
		}
	}
}

// KeepsValues reports whether no value is lost with a dropped column: its successor was there before
// the drop, under another name, and so could be filled from it, or the release had removed all rows before.
func (p *Pass) KeepsValues(t *Tx, d *Delta) bool {
	added := t.FindChange(catalog.ColumnAdded, func(o *Delta) bool { return o.OID == d.OID && o.New.Name == d.Old.Name })
	return p.Rows.WasCleared(d.OID) || (added == nil || added.By != d.By && added.By.Index < d.By.Index) && !p.isSuccessorEmpty(t, d)
}

// isSuccessorEmpty reports whether the column that has the name of a dropped or renamed one at commit is from the same migration, and no
// statement of it may fill the older rows.
func (p *Pass) isSuccessorEmpty(t *Tx, d *Delta) bool {
	m, successor := t.Migration, d.After.Column(d.Old.Name)
	first := m.Txs[0].Before.Relation(d.OID)
	return successor != nil && successor.GeneratedExpr == nil && first != nil && first.Attr(successor.Attnum) == nil && len(m.Script.Source.Code) == 0 &&
		!slices.ContainsFunc(m.Statements, func(s *Stmt) bool {
			return s.Node == nil || s.Opaque != "" || slices.ContainsFunc(p.ListWrites(s), func(w analysis.Write) bool { return w.Table.OID == d.OID })
		})
}
