package elements

import (
	"cmp"
	"fmt"
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

// Kind is a kind of element.
type Kind string

// The kinds of elements.
const (
	Table      Kind = "table"
	Column     Kind = "column"
	Constraint Kind = "constraint"
	Index      Kind = "index"
	Object     Kind = "object" // a type, a function or anything else that only its name identifies
)

// Target is the state that an element has after the release.
type Target string

// The targets of elements.
const (
	Present  Target = "absent → present"
	Absent   Target = "present → absent"
	Replaced Target = "replaced" // absent, and another element has its name
	Changed  Target = "changed"
)

// Key identifies an element independently of its name, except for an [Object].
type Key struct {
	Kind  Kind
	Table catalog.OID // its table, or the table itself; 0 for an Object
	ID    int64       // the column's attnum, the constraint's ID or the index' OID
	Name  string      // only of an Object
}

func tableKey(oid catalog.OID) Key { return Key{Kind: Table, Table: oid} }
func columnKey(oid catalog.OID, attnum int16) Key {
	return Key{Kind: Column, Table: oid, ID: int64(attnum)}
}
func constraintKey(oid catalog.OID, id int64) Key { return Key{Kind: Constraint, Table: oid, ID: id} }
func indexKey(table, index catalog.OID) Key       { return Key{Kind: Index, Table: table, ID: int64(index)} }
func objectKey(name string) Key                   { return Key{Kind: Object, Name: name} }
func (k Key) isPartOf(table catalog.OID) bool {
	return k.Kind != Table && k.Kind != Object && k.Table == table
}

// Element is a part of the schema that the release makes, drops, replaces or changes.
type Element struct {
	Key
	Target Target
	// Name is its name after the release, or before the release if it is dropped.
	Name string
	// By is the element that takes the name of a replaced one.
	By *Element
}

// String returns "column users.name: replaced".
func (e *Element) String() string { return fmt.Sprintf("%s %s: %s", e.Kind, e.Name, e.Target) }

// Compare returns the elements in which two catalogs differ, in the order in which the release first touches them. The second
// catalog must be folded from the first.
func Compare(base, head *catalog.Catalog) []*Element {
	var out []*Element
	add := func(key Key, target Target, name string) {
		if !slices.ContainsFunc(out, func(e *Element) bool { return e.Key == key }) {
			out = append(out, &Element{Key: key, Target: target, Name: name})
		}
	}
	deltas := catalog.Diff(base, head)
	for i := range deltas {
		d := &deltas[i]
		for _, p := range partsOf(d) {
			add(p.key, p.findTarget(), p.name)
		}
	}
	for _, e := range out {
		if e.Target != Absent {
			continue
		}
		index := slices.IndexFunc(out, func(o *Element) bool {
			return o.Target == Present && o.Kind == e.Kind && o.Name == e.Name && (o.Table == e.Table || e.Kind == Table)
		})
		if index >= 0 {
			e.Target, e.By = Replaced, out[index]
		}
	}
	return out
}

// part is an element of a delta, and on which sides of it the element is.
type part struct {
	key          Key
	name, own    string // with its table, and alone
	isOld, isNew bool
}

func (p *part) findTarget() Target {
	switch {
	case !p.isOld:
		return Present
	case !p.isNew:
		return Absent
	}
	return Changed
}

// partsOf returns the elements that a delta is about.
func partsOf(d *catalog.Delta) (out []part) {
	table := d.Name().String()
	switch {
	case d.Old != nil || d.New != nil:
		col := cmp.Or(d.New, d.Old)
		out = append(out, part{columnKey(d.OID, col.Attnum), table + "." + col.Name, col.Name, d.Old != nil, d.New != nil})
	case d.OldConstraint != nil || d.NewConstraint != nil:
		con := cmp.Or(d.NewConstraint, d.OldConstraint)
		out = append(out, part{constraintKey(d.OID, int64(con.ID)), table + "." + con.Name, con.Name, d.OldConstraint != nil, d.NewConstraint != nil})
	case d.OldIndex != nil || d.NewIndex != nil:
		x := cmp.Or(d.NewIndex, d.OldIndex)
		out = append(out, part{indexKey(d.OID, x.OID), x.Name.String(), x.Name.Name, d.OldIndex != nil, d.NewIndex != nil})
	case d.OldType != nil || d.NewType != nil:
		out = append(out, objectPart(cmp.Or(d.NewType, d.OldType).Name, d.OldType != nil, d.NewType != nil))
	case d.OldFunction != nil || d.NewFunction != nil:
		out = append(out, objectPart(cmp.Or(d.NewFunction, d.OldFunction).Name, d.OldFunction != nil, d.NewFunction != nil))
	case d.OldObject != nil || d.NewObject != nil:
		out = append(out, objectPart(cmp.Or(d.NewObject, d.OldObject).Name, d.OldObject != nil, d.NewObject != nil))
	case d.OID != 0:
		out = append(out, part{tableKey(d.OID), table, d.Name().Name, d.Before != nil, d.After != nil})
	}
	return out
}

func objectPart(n catalog.Name, isOld, isNew bool) part {
	return part{objectKey(n.Name), n.String(), n.Name, isOld, isNew}
}
