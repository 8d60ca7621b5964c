package rule

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
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

// alterFix is a fix that replaces subcommands of an ALTER TABLE. The statement's other subcommands belong to it: as
// written, or as other findings on the statement replace them.
type alterFix struct {
	stmt *Stmt
	// prose is the line before the SQL; other is the rest from a line on that begins with "or ".
	prose, other string
	parts        []fixPart
}

// fixPart is the SQL that replaces subcommands.
type fixPart struct {
	commands []*Command
	sql      string
}

// maxFixedCommands limits the statements whose fixes are complete: each fix has all commands, so that their length grows as the square of
// the commands.
const maxFixedCommands = 200

// newAlterFix returns the fix of a report about subcommands; nil if its SQL does not replace them, or if the statement has too many others. Then
// the report's fix says so.
func (p *Pass) newAlterFix(r *Report, commands []*Command) *alterFix {
	prose, sql, ok := strings.Cut(moveBlanksToProse(r.Instead), "\n")
	if !ok || p.Rule.Category != onward.Locking || len(commands) == 0 || !strings.HasPrefix(sql, "ALTER TABLE ") && !strings.HasPrefix(sql, "CREATE ") {
		return nil
	}
	if n := len(commands[0].stmt.commands); n > maxFixedCommands {
		r.Instead = fmt.Sprintf("divide this statement of %d commands, and then ", n) + r.Instead
		return nil
	}
	f := &alterFix{stmt: commands[0].stmt, prose: prose}
	if index := strings.Index("\n"+sql, "\nor "); index >= 0 {
		sql, f.other = strings.TrimRight(sql[:index], "\n"), "\n"+sql[index:]
	}
	if len(r.Steps) != len(commands) || strings.Contains(strings.Join(r.Steps, ""), "…") {
		f.parts = []fixPart{{commands, sql}}
		return f
	}
	for i, c := range commands {
		f.parts = append(f.parts, fixPart{[]*Command{c}, r.Steps[i]})
	}
	return f
}

// formatCompleteFix returns the fix with the statement's other subcommands, so that none is lost. otherFixes are the fixes of other findings on
// the statement.
func (f *alterFix) formatCompleteFix(otherFixes []*alterFix) string {
	parts := slices.Clone(f.parts)
	replaced := make(map[*Command]bool)
	for _, part := range parts {
		for _, c := range part.commands {
			replaced[c] = true
		}
	}
	for _, other := range otherFixes {
		for _, part := range other.parts {
			if slices.ContainsFunc(part.commands, func(c *Command) bool { return replaced[c] }) {
				continue
			}
			for _, c := range part.commands {
				replaced[c] = true
			}
			parts = append(parts, part)
		}
	}
	slices.SortStableFunc(parts, func(a, b fixPart) int { return cmp.Compare(a.commands[0].index, b.commands[0].index) })
	lines := make([]string, len(parts))
	for i := range parts {
		lines[i] = parts[i].sql
	}
	sql := strings.Join(lines, "\n")
	var rest []string
	for _, c := range f.stmt.commands {
		if text := strings.TrimSpace(c.Text()); text != "" && !replaced[c] && !strings.Contains(sql, text) {
			rest = append(rest, text)
		}
	}
	if len(rest) > 0 {
		sql = f.stmt.AlterTable() + " " + strings.Join(rest, ", ") + ";\n" + sql
	}
	return f.prose + "\n" + sql + f.other
}

// composeFixes completes the fixes of the findings on a statement, from one on: a fix must not keep what another finding reports.
func (p *Pass) composeFixes(s *Stmt, from int) {
	if len(s.commands) < 2 {
		return
	}
	found := p.findings[from:]
	for i := range found {
		if found[i].fix == nil {
			continue
		}
		var otherFixes []*alterFix
		for j := range found {
			if j != i && found[j].fix != nil && slices.ContainsFunc(found[j].versions, func(v int) bool { return slices.Contains(found[i].versions, v) }) {
				otherFixes = append(otherFixes, found[j].fix)
			}
		}
		if len(otherFixes) > 0 {
			found[i].Instead = s.formatFix(found[i].fix.formatCompleteFix(otherFixes))
		}
	}
}
