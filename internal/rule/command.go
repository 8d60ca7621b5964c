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

// aloneOn is what a subcommand does by itself on one version; 0 is any.
type aloneOn struct {
	version int
	result  effect.Result
}

// Commands takes an ALTER TABLE apart. It gives nil for other statements, and
// for one that the server refuses: what it would lock does not matter then.
func (p *Pass) Commands(s *Stmt) []Command {
	stmt := s.Node.GetAlterTableStmt()
	if stmt == nil || s.Result.Refused != nil {
		return nil
	}
	if s.commands == nil {
		s.commands = make([]Command, len(stmt.Cmds))
		for i, n := range stmt.Cmds {
			s.commands[i] = Command{AlterTableCmd: n.GetAlterTableCmd(), stmt: s, index: i}
		}
	}
	return s.commands
}

// Alone is what an ALTER TABLE of one subcommand would do: in the effects of
// the whole statement the work of several runs together.
func (p *Pass) Alone(c *Command) *effect.Result {
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
	r, consulted := p.alone(s.Before, s, stmt, cmds)
	if r.Refused != nil {
		r, consulted = p.alone(cleared(s, stmt), s, stmt, cmds)
	}
	a := aloneOn{result: r}
	if consulted {
		a.version, p.asked = p.versions[0], true
	}
	c.alone = append(c.alone, a)
	return &c.alone[len(c.alone)-1].result
}

// Text is the subcommand as written: "ADD COLUMN c int".
func (c *Command) Text() string { return c.stmt.Clause(c.index) }

// Clause is the text of a subcommand of an ALTER TABLE.
func (s *Stmt) Clause(index int) string {
	at := s.clause(index)
	return s.SQL[at.Start:at.End]
}

// Without is what an ALTER TABLE would do without one of its subcommands.
func (p *Pass) Without(s *Stmt, c *Command) effect.Result {
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
	r, consulted := p.alone(s.Before, s, stmt, rest)
	p.asked = p.asked || consulted
	return r
}

// cleared is the catalog behind the DROPs of an ALTER TABLE, which the server
// runs before its other subcommands, wherever they stand. A subcommand that is
// refused alone may need one: ADD PRIMARY KEY, that the old key is gone.
func cleared(s *Stmt, stmt *pgparse.AlterTableStmt) *catalog.Catalog {
	var first []*pgparse.Node
	for _, n := range stmt.Cmds {
		if drops(n) {
			first = append(first, n)
		}
	}
	if len(first) == 0 {
		return s.Before
	}
	part := &pgparse.AlterTableStmt{Relation: stmt.Relation, Cmds: first, Objtype: stmt.Objtype, MissingOk: stmt.MissingOk}
	after, problems := s.Before.Apply(&pgparse.Node{Node: &pgparse.Node_AlterTableStmt{AlterTableStmt: part}}, s.SQL)
	if len(problems) > 0 {
		return s.Before
	}
	return after
}

// drops reports whether a subcommand takes a column or a constraint away.
func drops(n *pgparse.Node) bool {
	switch n.GetAlterTableCmd().GetSubtype() {
	case pgparse.AlterTableType_AT_DropColumn, pgparse.AlterTableType_AT_DropConstraint:
		return true
	}
	return false
}

func (p *Pass) alone(before *catalog.Catalog, s *Stmt, stmt *pgparse.AlterTableStmt, cmds []*pgparse.Node) (r effect.Result, consulted bool) {
	part := &pgparse.AlterTableStmt{Relation: stmt.Relation, Cmds: cmds, Objtype: stmt.Objtype, MissingOk: stmt.MissingOk}
	v := effect.NewVersion(p.versions[0])
	r = effect.Of(&pgparse.Node{Node: &pgparse.Node_AlterTableStmt{AlterTableStmt: part}}, before, v, effect.Session{TimeZone: s.Settings.TimeZone})
	return r, v.Consulted()
}

// commandStart is where the subcommands of an ALTER TABLE begin: behind the
// table's name, and the * that may follow it.
func commandStart(s *Stmt) int {
	at := pgparse.NameEnd(s.SQL, int(s.Node.GetAlterTableStmt().GetRelation().GetLocation()))
	if rest := strings.TrimLeft(s.SQL[at:], " \t\n"); strings.HasPrefix(rest, "*") {
		at = len(s.SQL) - len(rest) + 1
	}
	return at
}

// AlterTable is the statement up to its subcommands, for advice: "ALTER TABLE
// ONLY app.users".
func (s *Stmt) AlterTable() string { return strings.TrimSpace(s.SQL[:commandStart(s)]) }

// Altered is the relation of an ALTER TABLE before it runs; a stand-in for one
// that the catalog does not hold.
func (s *Stmt) Altered() *catalog.Relation {
	if s.altered == nil {
		s.altered, _ = s.Before.Resolve(s.Node.GetAlterTableStmt().GetRelation())
	}
	return s.altered
}

// InUse reports whether others may be using a relation: it is neither new in
// this release nor temporary.
func (p *Pass) InUse(r *catalog.Relation) bool {
	return r.Name.Schema != "pg_temp" && r.Persistence != catalog.Temporary && !p.New(r.OID)
}

// Drops lists what a DROP of one of the kinds names. It is empty for a
// statement whose transaction is rolled back.
func (s *Stmt) Drops(kinds ...pgparse.ObjectType) []analysis.DroppedObject {
	if s.Tx.RolledBack {
		return nil
	}
	return analysis.Dropped(s.Node, kinds...)
}

// IfExists reports whether a DROP says IF EXISTS.
func (s *Stmt) IfExists() bool { return s.Node.GetDropStmt().GetMissingOk() }
