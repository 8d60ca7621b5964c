package rule

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Command is one subcommand of an ALTER TABLE.
type Command struct {
	*pgparse.AlterTableCmd

	stmt  *Stmt
	index int
	alone []aloneOn
}

// aloneOn is the effect of a single subcommand on one version; 0 is any version.
type aloneOn struct {
	version int
	result  effect.Result
}

// ListCommands returns the subcommands of an ALTER TABLE. It returns nil for other
// statements, and for one that the server refuses, because its locks do not matter then.
func (p *Pass) ListCommands(s *Stmt) []*Command {
	if s.Result.Refused != nil {
		return nil
	}
	return s.ListWrittenCommands()
}

// ListWrittenCommands returns the subcommands of an ALTER TABLE, whether the server refuses it or not.
func (s *Stmt) ListWrittenCommands() []*Command {
	stmt := s.Node.GetAlterTableStmt()
	if stmt == nil {
		return nil
	}
	if s.commands == nil {
		s.commands = make([]*Command, len(stmt.Cmds))
		for i, n := range stmt.Cmds {
			s.commands[i] = &Command{AlterTableCmd: n.GetAlterTableCmd(), stmt: s, index: i}
		}
	}
	return s.commands
}

// EffectsAlone returns the effects that an ALTER TABLE with only this subcommand would have. The
// effects of the whole statement merge the work of all subcommands.
func (p *Pass) EffectsAlone(c *Command) *effect.Result {
	s := c.stmt
	stmt := s.Node.GetAlterTableStmt()
	if len(stmt.Cmds) == 1 {
		return &s.Result
	}
	for i := range c.alone {
		if a := &c.alone[i]; a.version == 0 || a.version == p.versions[0] {
			p.asked = p.asked || a.version != 0
			return &a.result
		}
	}
	cmds := stmt.Cmds[c.index : c.index+1 : c.index+1]
	r, consulted := p.computeCommandEffects(s.Before, s, stmt, cmds)
	if r.Refused != nil {
		r, consulted = p.computeCommandEffects(catalogAfterDrops(s, stmt), s, stmt, cmds)
	}
	if r.Refused != nil { // it needs what another subcommand adds
		r, consulted = p.computePartEffects(catalogAfterDrops(s, stmt), s, pgparse.SelectCommands(stmt, cmds), nil)
	}
	a := aloneOn{result: r}
	if consulted {
		a.version, p.asked = p.versions[0], true
	}
	c.alone = append(c.alone, a)
	return &c.alone[len(c.alone)-1].result
}

// Text returns the subcommand as written: "ADD COLUMN c int".
func (c *Command) Text() string { return c.stmt.CommandText(c.index) }

// End returns the offset in the statement's text (Stmt.SQL) at which the subcommand ends.
func (c *Command) End() int { return c.stmt.clauseSpan(c.index).End }

// CommandText returns the text of a subcommand of an ALTER TABLE.
func (s *Stmt) CommandText(index int) string {
	span := s.clauseSpan(index)
	return s.SQL[span.Start:span.End]
}

// EffectsWithout returns the effects of an ALTER TABLE without one of its subcommands.
func (p *Pass) EffectsWithout(s *Stmt, c *Command) effect.Result {
	stmt := s.Node.GetAlterTableStmt()
	var rest []*pgparse.Node
	for _, n := range stmt.GetCmds() {
		if n.GetAlterTableCmd() != c.AlterTableCmd {
			rest = append(rest, n)
		}
	}
	if len(rest) == 0 {
		return effect.Result{}
	}
	r, consulted := p.computeCommandEffects(s.Before, s, stmt, rest)
	p.asked = p.asked || consulted
	return r
}

// catalogAfterDrops is the catalog after the DROPs of an ALTER TABLE, which the server
// runs before its other subcommands, in whatever order they are written. A subcommand
// that is refused alone may need one: ADD PRIMARY KEY needs the old key gone, and
// TYPE of an enum the old default.
func catalogAfterDrops(s *Stmt, stmt *pgparse.AlterTableStmt) *catalog.Catalog {
	var first []*pgparse.Node
	for _, n := range stmt.Cmds {
		if catalog.IsDropPass(n.GetAlterTableCmd()) {
			first = append(first, n)
		}
	}
	if len(first) == 0 {
		return s.Before
	}
	if s.afterDrops == nil {
		after, problems := s.Before.Apply(pgparse.SelectCommands(stmt, first), s.SQL)
		if len(problems) > 0 {
			after = s.Before
		}
		s.afterDrops = after
	}
	return s.afterDrops
}

func (p *Pass) computeCommandEffects(before *catalog.Catalog, s *Stmt, stmt *pgparse.AlterTableStmt, cmds []*pgparse.Node) (r effect.Result, consulted bool) {
	part := pgparse.SelectCommands(stmt, cmds)
	_, problems := before.Judge(part, s.SQL, s.Parent >= 0)
	return p.computePartEffects(before, s, part, s.refusalsAmong(problems))
}

func (p *Pass) computePartEffects(before *catalog.Catalog, s *Stmt, part *pgparse.Node, problems []catalog.Problem) (r effect.Result, consulted bool) {
	v := effect.NewVersion(p.versions[0])
	r = effect.EffectOf(part, before, v, effect.Inputs{TimeZone: s.Settings.TimeZone, Problems: problems})
	return r, v.WasConsulted()
}

// commandStart returns the offset of an ALTER TABLE's first subcommand: after the table's
// name, and after the * that may follow it.
func commandStart(s *Stmt) int {
	offset := pgparse.NameEnd(s.SQL, int(s.Node.GetAlterTableStmt().GetRelation().GetLocation()))
	if rest := strings.TrimLeft(s.SQL[offset:], " \t\n"); strings.HasPrefix(rest, "*") {
		offset = len(s.SQL) - len(rest) + 1
	}
	return offset
}

// AlterTable returns the text before the subcommands, for use in advice: "ALTER TABLE
// ONLY app.users".
func (s *Stmt) AlterTable() string { return strings.TrimSpace(s.SQL[:commandStart(s)]) }

// AlteredRelation returns the relation of an ALTER TABLE before it runs, or a stand-in if the
// catalog does not have it.
func (s *Stmt) AlteredRelation() *catalog.Relation {
	if s.altered == nil {
		s.altered, _ = s.Before.Resolve(s.Node.GetAlterTableStmt().GetRelation())
	}
	return s.altered
}

// InUse reports whether others may be using a relation: it is neither new in this release
// nor temporary.
func (p *Pass) InUse(r *catalog.Relation) bool {
	return r.Name.Schema != "pg_temp" && r.Persistence != catalog.Temporary && !p.IsNew(r.OID)
}

// ListDrops lists the objects that a DROP of one of the kinds names. It is empty if the
// transaction is rolled back.
func (s *Stmt) ListDrops(kinds ...pgparse.ObjectType) []analysis.DroppedObject {
	if s.Tx.RolledBack {
		return nil
	}
	return analysis.ListDropped(s.Node, kinds...)
}

// IfExists reports whether a DROP says IF EXISTS.
func (s *Stmt) IfExists() bool { return s.Node.GetDropStmt().GetMissingOk() }
