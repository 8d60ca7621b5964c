package rule

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
)

// Deployed reports whether the deployed code can know the relation of a
// change: it was there before the release, or nothing tells where it comes
// from. Temporary tables are nobody's, and of a change that waits for the end of
// the deploy no deployed code is left to know.
func (p *Pass) Deployed(d *Delta) bool {
	if d.Before == nil || d.By != nil && d.By.Migration != nil && d.By.Migration.Runner.AfterDeploy {
		return false
	}
	at := p.at
	if d.By != nil && d.By.Tx != nil {
		at = d.By.Tx.Index
	}
	if _, made := p.used[d.OID]; made && d.Kind == catalog.RelationRenamed && d.After != nil && p.deployedAs(d.After.Name) != nil {
		return false // it takes its place
	}
	return p.deployedRelation(d.Before, at)
}

func (p *Pass) deployedRelation(r *catalog.Relation, at int) bool {
	if r.Name.Schema == "pg_temp" || r.Persistence == catalog.Temporary {
		return false
	}
	return r.Inferred || !p.New(r.OID) || p.inUse(r.OID, at, false)
}

// DeployedType reports whether a type was there before the release.
func (p *Pass) DeployedType(t *catalog.UserType) bool {
	return t != nil && (t.Inferred || p.Release.Deployed.Type(t.OID) != nil)
}

// DeployedFunction reports whether a function was there before the release.
func (p *Pass) DeployedFunction(f *catalog.Function) bool {
	return f != nil && p.Release.Deployed.Created(f.OID)
}

// unlisted is what a statement does to relations that it does not name and that no
// statement created: they are there all the same. It gives nil where the deployed
// schema is known, as far as the statement goes.
func (p *Pass) unlisted(r *effect.Result) *effect.Effect {
	u, deployed := r.Unlisted, p.Release.Deployed
	if u == nil || p.Release.Known || deployed.Complete || !u.Sure && !deployed.Blank(u.Schema) {
		return nil
	}
	return &u.Effect
}

// NewColumn reports whether the deployed code knows nothing of a column: the
// release added it, or moved it away and put another under its name.
func (p *Pass) NewColumn(d *Delta, c *catalog.Column) bool {
	if c == nil || c.Inferred {
		return false
	}
	r := p.Release.Deployed.Relation(d.OID)
	if _, live := p.used[d.OID]; r == nil && live {
		was := p.deployedAs(d.Name())
		return was == nil || !was.Inferred && was.Column(c.Name) == nil
	}
	if r == nil {
		return true // of a table that was inferred since: a statement added it
	}
	return d.knownAs(r, c) == ""
}

// knownAs is the name by which the deployed code knows a column of a change's
// table, which is r in the deployed schema: the one that the column had before
// the change, when the deployed table has it, be it for another column; else the
// one that it had there, unless another column has taken it; "" for a column it
// does not know.
func (d *Delta) knownAs(r *catalog.Relation, c *catalog.Column) string {
	if d.Before != nil {
		if was := d.Before.Attr(c.Attnum); was != nil && was.Name == c.Name && r.Column(c.Name) != nil {
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

// DeployedName is the name of a change's relation in the deployed schema,
// which earlier statements of the release may have changed.
func (p *Pass) DeployedName(d *Delta) catalog.Name {
	if r := p.Release.Deployed.Relation(d.OID); r != nil {
		return r.Name
	}
	return d.Name()
}

// UsesTable asks whether the deployed code uses the relation of a change, by
// the name that it has there.
func (p *Pass) UsesTable(d *Delta) analysis.Usage { return p.Code.Uses(p.DeployedName(d), "") }

// UsesColumn asks whether the deployed code uses a column of the relation of a
// change, by the names that both have there.
func (p *Pass) UsesColumn(d *Delta, c *catalog.Column) analysis.Usage {
	return p.Code.Uses(p.DeployedName(d), p.deployedColumn(d, c))
}

// deployedColumn is the name of a column in the deployed schema.
func (p *Pass) deployedColumn(d *Delta, c *catalog.Column) string {
	if r := p.Release.Deployed.Relation(d.OID); r != nil {
		if known := d.knownAs(r, c); known != "" {
			return known
		}
	}
	return c.Name
}

// LeavesOut finds an INSERT in the text of the deployed code that leaves out a
// column which was there; nil when there is none.
func (p *Pass) LeavesOut(d *Delta, c *catalog.Column) *analysis.Insert { return p.insert(d, c, false) }

// Inserts finds an INSERT in the text of the deployed code that writes a column
// which was there; nil when there is none.
func (p *Pass) Inserts(d *Delta, c *catalog.Column) *analysis.Insert { return p.insert(d, c, true) }

// LeftOut is an INSERT of the deployed code that leaves a column of a deployed table
// to its default; nil when none is seen.
func (p *Pass) LeftOut(t *catalog.Relation, c *catalog.Column) *analysis.Insert {
	if t == nil || t.Attr(c.Attnum) == nil {
		return nil
	}
	inserts := p.Code.Uses(t.Name, "").Inserts
	for i := range inserts {
		if !slices.Contains(inserts[i].Columns, t.Attr(c.Attnum).Name) {
			return &inserts[i]
		}
	}
	return nil
}

// insert is the first INSERT of the deployed code that writes a column which was
// there, or leaves it out.
func (p *Pass) insert(d *Delta, c *catalog.Column, writes bool) *analysis.Insert {
	if p.NewColumn(d, c) {
		return nil
	}
	name := p.deployedColumn(d, c)
	inserts := p.UsesTable(d).Inserts
	for i := range inserts {
		if slices.Contains(inserts[i].Columns, name) == writes {
			return &inserts[i]
		}
	}
	return nil
}

// Omitted reports whether the INSERTs of the deployed code surely leave a column
// out: it does not know the column, but it uses the table, as far as that can
// be told.
func (p *Pass) Omitted(d *Delta, c *catalog.Column) bool {
	if p.NewColumn(d, c) {
		return true
	}
	u, table := p.UsesColumn(d, c), p.UsesTable(d)
	return u.Idle() && !u.Mentioned && (table.Used || !table.Known)
}

// Same finds another change of the same transaction; nil when there is none.
func (t *Tx) Same(kind catalog.DeltaKind, match func(*Delta) bool) *Delta {
	for i := range t.Deltas {
		if d := &t.Deltas[i]; d.Kind == kind && match(d) {
			return d
		}
	}
	return nil
}

// Column finds another change of the same column in the transaction.
func (t *Tx) Column(kind catalog.DeltaKind, d *Delta) *Delta {
	return t.Same(kind, func(o *Delta) bool { return o.Key == d.Key })
}

// Lines names a statement for a message about another: ":12", or
// "0002_x.sql:12" in another migration.
func (s *Stmt) Lines(from *Stmt) string {
	if s.Migration == from.Migration {
		return s.Where()
	}
	return s.Migration.Path + s.Where()
}

// Taken is what is known of the use of a column, or of the relation of a
// change when c is nil, that a commit takes away or renames: by the deployed
// code, and by the functions that stand at commit.
func (p *Pass) Taken(t *Tx, d *Delta, c *catalog.Column) analysis.Usage {
	if c == nil {
		u := p.UsesTable(d)
		u.Functions = p.naming(t, d.Before, "", nil)
		return u
	}
	u, after := p.UsesColumn(d, c), d.After
	if after != nil && after.Column(c.Name) != nil {
		after = nil // its own triggers find it
	}
	u.Functions = p.naming(t, d.Before, c.Name, after)
	return u
}

// naming lists the functions that stand at commit and name a relation or a column of
// it; after is the relation at commit, with its triggers.
func (p *Pass) naming(t *Tx, r *catalog.Relation, column string, after *catalog.Relation) []analysis.FunctionUse {
	if r.OID == 0 {
		return nil
	}
	last := t.Migration.Txs[len(t.Migration.Txs)-1].After
	return p.Bodies(t).Naming(analysis.Taken{Relation: r, Column: column, After: after, Before: t.Before, Last: last})
}

// Bodies gives the bodies of the functions that stand at a commit, the last one that was
// judged. Those that are deployed are looked at once, and then what the release
// makes: a catalog has many.
func (p *Pass) Bodies(t *Tx) *analysis.Bodies {
	if p.functions == nil {
		p.functions = analysis.NewBodies(p.Release.Deployed, p.Code)
	}
	p.functions.At(t.After, p.made)
	p.made = nil
	return p.functions
}

// makes notes the functions that a transaction makes or changes.
func (p *Pass) makes(t *Tx) {
	for i := range t.Deltas {
		switch d := &t.Deltas[i]; d.Kind {
		case catalog.FunctionCreated, catalog.FunctionReplaced, catalog.FunctionRenamed:
			p.made = append(p.made, d.NewFunction)
		}
	}
}
