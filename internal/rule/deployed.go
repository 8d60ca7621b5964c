package rule

import (
	"fmt"
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// Deployed reports whether the deployed code can know the relation of a
// change: it was there before the release, or nothing tells where it comes
// from. Temporary tables are nobody's, and of a change that waits for the end of
// the deploy no deployed code is left to know.
func (p *Pass) Deployed(d *Delta) bool {
	if d.Before == nil || d.By != nil && d.By.Migration != nil && d.By.Migration.Runner.AfterDeploy {
		return false
	}
	return p.deployedRelation(d.Before)
}

func (p *Pass) deployedRelation(r *catalog.Relation) bool {
	if r.Name.Schema == "pg_temp" || r.Persistence == catalog.Temporary {
		return false
	}
	return r.Inferred || !p.New(r.OID)
}

// DeployedType reports whether a type was there before the release.
func (p *Pass) DeployedType(t *catalog.UserType) bool {
	return t != nil && (t.Inferred || p.Release.Deployed.Type(t.OID) != nil)
}

// DeployedFunction reports whether a function was there before the release.
func (p *Pass) DeployedFunction(f *catalog.Function) bool {
	return f != nil && p.Release.Deployed.Created(f.OID)
}

// NewColumn reports whether the deployed code knows nothing of a column: the
// release added it, or moved it away and put another under its name.
func (p *Pass) NewColumn(d *Delta, c *catalog.Column) bool {
	if c == nil || c.Inferred {
		return false
	}
	r := p.Release.Deployed.Relation(d.OID)
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
func (p *Pass) UsesTable(d *Delta) Usage { return p.Uses(p.DeployedName(d), "") }

// UsesColumn asks whether the deployed code uses a column of the relation of a
// change, by the names that both have there.
func (p *Pass) UsesColumn(d *Delta, c *catalog.Column) Usage {
	return p.Uses(p.DeployedName(d), p.deployedColumn(d, c))
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
func (p *Pass) LeavesOut(d *Delta, c *catalog.Column) *Insert { return p.insert(d, c, false) }

// Inserts finds an INSERT in the text of the deployed code that writes a column
// which was there; nil when there is none.
func (p *Pass) Inserts(d *Delta, c *catalog.Column) *Insert { return p.insert(d, c, true) }

// LeftOut is an INSERT of the deployed code that leaves a column of a deployed table
// to its default; nil when none is seen.
func (p *Pass) LeftOut(t *catalog.Relation, c *catalog.Column) *Insert {
	if t == nil || t.Attr(c.Attnum) == nil {
		return nil
	}
	inserts := p.Uses(t.Name, "").Inserts
	for i := range inserts {
		if !slices.Contains(inserts[i].Columns, t.Attr(c.Attnum).Name) {
			return &inserts[i]
		}
	}
	return nil
}

// insert is the first INSERT of the deployed code that writes a column which was
// there, or leaves it out.
func (p *Pass) insert(d *Delta, c *catalog.Column, writes bool) *Insert {
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
	return u.Idle() && (table.Used || !table.Known)
}

// Idle reports whether the deployed code is there, and nothing in it uses the thing or
// may use it.
func (u Usage) Idle() bool { return u.Known && !u.Used && !u.Named && !u.Nothing }

// Severity is how bad it is to take away what the deployed code may use: Info
// when its models say that it does not, Warning when no text names it, Error
// when something does or nothing is known. A function that names it is as good
// as code.
func (u Usage) Severity() onward.Severity {
	least := u.Least()
	switch {
	case u.Used || !u.Known:
		return onward.Error
	case u.Sure:
		return least
	}
	return max(least, onward.Warning)
}

// Lowered is a severity, or Warning where it would be worse and nothing that was parsed
// bears it out: a name alone, or no code at all.
func (u Usage) Lowered(s onward.Severity) onward.Severity {
	if !u.Used && (u.Named || u.Nothing) && (s == onward.Off || s > onward.Warning) {
		return onward.Warning
	}
	return s
}

// Least is what the functions alone make of it: Info when none names it.
func (u Usage) Least() onward.Severity {
	if len(u.Functions) > 0 {
		return u.Functions[0].severity()
	}
	return onward.Info
}

// Where is the first place that uses the thing, for a message: " (at
// shop/models.py:31)"; "" when there is none.
func (u Usage) Where() string {
	for _, e := range u.Evidence {
		if e.Path != "" && e.Line > 0 {
			return fmt.Sprintf(" (at %s:%d)", e.Path, e.Line)
		}
	}
	return ""
}

// Breaks says what happens to the deployed code when something goes away:
// what names it, where, and how sure that is.
func (u Usage) Breaks(what string) string {
	if len(u.Functions) > 0 {
		out := u.Functions[0].Breaks() + others(u.Functions)
		if u.Used {
			u.Functions = nil
			out += "; and " + u.Breaks(what)
		}
		return out
	}
	switch {
	case u.Used:
		return "the deployed code uses " + what + u.Where() + " and fails there until the new code has replaced it everywhere"
	case !u.Known:
		return "deployed code that uses " + what + " fails until the new code has replaced it everywhere"
	case u.Named:
		return "code that works on it has a name like that of " + what + u.Where() + ": where it means " + what + ", it fails until the new code has replaced it everywhere"
	case u.Nothing:
		return "nothing here works on the database, so that what its code does is not known: what uses " + what + " fails until the new code has replaced it everywhere"
	case u.Sure:
		return "the models of the deployed code no longer use " + what + "; raw SQL that does would fail"
	}
	return "nothing in the deployed code names " + what + "; what builds its SQL at run time, or other programs, would fail"
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
