package elements

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// Command is a statement of a release, or one command of its ALTER TABLE.
type Command struct {
	Stmt *rule.Stmt
	// Alter is the command; nil if the Command is the whole statement. index is its position in the ALTER TABLE.
	Alter *pgparse.AlterTableCmd
	// Calls is set if it runs statements of functions or triggers.
	Calls bool
	index int
	links links
}

// links are the elements that a command makes, drops, changes or uses, and the tables whose rows it writes, also by foreign keys.
type links struct {
	makes, drops, changes, uses map[Key]bool
	writes                      map[catalog.OID]bool
}

func newLinks() links {
	return links{makes: map[Key]bool{}, drops: map[Key]bool{}, changes: map[Key]bool{}, uses: map[Key]bool{}, writes: map[catalog.OID]bool{}}
}

// SplitStatement returns the commands of a statement.
func SplitStatement(s *rule.Stmt) (out []*Command) {
	stmt := s.Node.GetAlterTableStmt()
	if stmt == nil || stmt.Objtype != pgparse.ObjectType_OBJECT_TABLE {
		out = []*Command{{Stmt: s}}
	}
	for i, n := range stmt.GetCmds() {
		if len(out) == 0 || out[0].Alter != nil {
			out = append(out, &Command{Stmt: s, Alter: n.GetAlterTableCmd(), index: i})
		}
	}
	for _, c := range out {
		c.findLinks()
	}
	return out
}

// Text returns the command as written, without ALTER TABLE.
func (c *Command) Text() string {
	if c.Alter == nil {
		return c.Stmt.SQL
	}
	return c.Stmt.CommandText(c.index)
}

// SQL returns the command as a statement of its own.
func (c *Command) SQL() string {
	if c.Alter == nil {
		return c.Stmt.SQL
	}
	return c.Stmt.AlterTable() + " " + c.Text()
}

// alterType returns the kind of a command of ALTER TABLE; none for a whole statement.
func (c *Command) alterType() pgparse.AlterTableType { return c.Alter.GetSubtype() }

// findLinks finds the links of a command. An element is used if a table of the command has it and the command has its name, also in
// a text such as the argument of nextval.
func (c *Command) findLinks() {
	c.links = newLinks()
	l, words := &c.links, pgparse.ListWrittenNames(c.Text(), c.syntaxTree())
	tables := map[catalog.OID]bool{}
	for i := range c.Stmt.Result.Effects {
		tables[c.Stmt.Result.Effects[i].OID] = true
	}
	for _, d := range c.listDeltas(words) {
		if d.OID != 0 {
			tables[d.OID] = true
		}
		for _, p := range partsOf(d) {
			switch p.findTarget() {
			case Present:
				l.makes[p.key] = true
			case Absent:
				l.drops[p.key] = true
			default:
				l.changes[p.key] = true
			}
		}
	}
	delete(tables, 0)
	for oid := range tables {
		l.uses[tableKey(oid)] = true
		for _, side := range []*catalog.Catalog{c.Stmt.Before, c.Stmt.After} {
			if t := side.Relation(oid); t != nil {
				l.addParts(t, side, words)
			}
		}
	}
	for _, w := range words {
		l.uses[objectKey(w)] = true
	}
	if len(c.Stmt.Deltas) > 0 {
		return
	}
	for i := range c.Stmt.Result.Effects {
		if e := &c.Stmt.Result.Effects[i]; e.Lock >= onward.RowExclusiveLock {
			l.writes[e.OID] = true
			if t := c.Stmt.Before.Relation(e.OID); t != nil && slices.ContainsFunc(t.Triggers, func(g *catalog.Trigger) bool { return g.Enabled }) {
				c.Calls = true
			}
		}
	}
}

// addParts adds the parts of a table that are in a list of words.
func (l *links) addParts(t *catalog.Relation, in *catalog.Catalog, words []string) {
	for _, col := range t.Columns {
		if slices.Contains(words, col.Name) {
			l.uses[columnKey(t.OID, col.Attnum)] = true
		}
	}
	for _, con := range t.Constraints {
		if slices.Contains(words, con.Name) {
			l.uses[constraintKey(t.OID, int64(con.ID))] = true
		}
	}
	for _, x := range in.IndexesOf(t) {
		if slices.Contains(words, x.Name.Name) {
			l.uses[indexKey(t.OID, x.OID)] = true
		}
	}
}

// syntaxTree returns the syntax tree of the command.
func (c *Command) syntaxTree() any {
	if c.Alter == nil {
		return c.Stmt.Node
	}
	return c.Alter
}

// listDeltas returns the command's share of what its statement changes.
func (c *Command) listDeltas(words []string) (out []*catalog.Delta) {
	var otherNames []string
	for i, n := range c.Stmt.Node.GetAlterTableStmt().GetCmds() {
		if i != c.index && c.Alter != nil {
			otherNames = append(otherNames, pgparse.ListWrittenNames(c.Stmt.CommandText(i), n)...)
		}
	}
	for i := range c.Stmt.Deltas {
		d := &c.Stmt.Deltas[i]
		names := func(words []string) bool {
			return slices.ContainsFunc(namesOf(d), func(name string) bool { return slices.Contains(words, name) })
		}
		if len(otherNames) == 0 || names(words) || !names(otherNames) {
			out = append(out, d)
		}
	}
	return out
}

// namesOf returns the names by which a command can be about a delta: the names of its elements, and of the columns of a constraint, whose own
// name may be in no statement.
func namesOf(d *catalog.Delta) (out []string) {
	for _, p := range partsOf(d) {
		out = append(out, p.own)
	}
	for t, con := range map[*catalog.Relation]*catalog.Constraint{d.Before: d.OldConstraint, d.After: d.NewConstraint} {
		if t != nil && con != nil {
			out = append(out, t.ColumnNames(con.Columns)...)
		}
	}
	return out
}

// hasHiddenEffects reports whether a command does more than its words say: a block, a call, a trigger, or an unknown statement.
func (c *Command) hasHiddenEffects() bool {
	n := c.Stmt.Node
	return n == nil || c.Calls || c.Stmt.Opaque != "" || n.GetDoStmt() != nil || n.GetCallStmt() != nil || n.GetSelectStmt() != nil
}
