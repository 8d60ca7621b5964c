package elements

import (
	"fmt"
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// release is a release while [Restate] works on it.
type release struct {
	base, head *catalog.Catalog
	elements   []*Element
	commands   []*Command
	// taken are the commands that a transition replaces.
	taken map[*Command]*transition
	out   *Restatement
}

// transition has the statements that replace a command; none if another command of the element has them.
type transition struct {
	element    *Element
	statements []string
}

// Restatement is a release whose statements are restated by transitions, as far as they apply.
type Restatement struct {
	// Nodes are the statements in their order.
	Nodes []*Node
	// Elements are the elements with a transition.
	Elements []*Element
	// Refused are elements whose transition does not apply, each with the reason: "column t.a: replaced: …".
	Refused []string
}

// Restate returns a release as its difference. It has no nodes if no transition applies. The error is a [CycleError] if the rules of order
// contradict each other. The commands are in the release's order, and the second catalog is folded by them from the first.
func Restate(base, head *catalog.Catalog, commands []*Command) (*Restatement, error) {
	r := &release{base: base, head: head, elements: Compare(base, head), commands: commands, taken: map[*Command]*transition{}, out: &Restatement{}}
	r.findTransitions()
	if len(r.taken) == 0 {
		return r.out, nil
	}
	nodes, err := sortNodes(r.listNodes())
	r.out.Nodes = nodes
	return r.out, err
}

// findTransitions finds the elements that several statements bring to their target together.
func (r *release) findTransitions() {
	r.skipDropsWithTable()
	for _, e := range r.elements {
		if e.Kind == Column && e.Target == Replaced {
			r.replaceColumn(e)
		}
	}
}

// takeCommand records that a transition has a command. Only the last of several commands has statements.
func (r *release) takeCommand(c *Command, statements []string, e *Element) {
	r.taken[c] = &transition{e, statements}
	if !slices.Contains(r.out.Elements, e) {
		r.out.Elements = append(r.out.Elements, e)
	}
}

// refuseElement records why an element has no transition.
func (r *release) refuseElement(e *Element, reason string) {
	r.out.Refused = append(r.out.Refused, fmt.Sprintf("%s: %s", e, reason))
}

// listNodes returns the commands that stay, and the statements of the transitions in the place of the last command of each.
func (r *release) listNodes() (out []*Node) {
	for i, c := range r.commands {
		t := r.taken[c]
		if t == nil {
			out = append(out, &Node{SQL: c.SQL(), From: c, place: i, links: c.links})
			continue
		}
		for k, sql := range t.statements {
			n := &Node{SQL: sql, From: c, Element: t.element, place: i, part: k, links: newLinks()}
			n.links.drops[t.element.Key] = true
			if t.element.By != nil {
				n.links.makes[t.element.By.Key] = true
			}
			for _, w := range pgparse.ListWrittenNames(sql, nil) {
				n.links.uses[objectKey(w)] = true
			}
			out = append(out, n)
		}
	}
	return out
}

// usesElement reports whether a command uses, makes, drops or changes an element.
func (c *Command) usesElement(key Key) bool {
	return c.links.uses[key] || c.links.makes[key] || c.links.drops[key] || c.links.changes[key]
}

// formatPlace returns "m.sql:3 DOES".
func (c *Command) formatPlace(action string) string {
	return fmt.Sprintf("%s:%d %s", c.Stmt.Migration.Path, c.Stmt.Line, action)
}

// skipDropsWithTable is the transition of a part of a table that the release drops: a constraint, an index or a column goes with its
// table, and needs no statement. Until then it serves the deployed code: a foreign key that a step drops
// earlier leaves rows without a parent. Generators of migrations drop foreign keys before tables.
//
// It must hold that no statement of the release writes rows of the table or of one that it refers to, as it may rely on the drop.
func (r *release) skipDropsWithTable() {
	for i, c := range r.commands {
		for _, e := range r.elements {
			if e.Kind != Table || e.Target != Absent && e.Target != Replaced || !c.dropsOnlyPartsOf(e.Table) {
				continue
			}
			end := r.firstDrop(e.Key)
			if end < i || r.reliesOnDrop(c, e.Table, r.commands[i+1:end]) {
				continue
			}
			r.takeCommand(c, nil, e)
		}
	}
}

// dropsOnlyPartsOf reports whether a command drops parts of a table, and does nothing else.
func (c *Command) dropsOnlyPartsOf(table catalog.OID) bool {
	if len(c.links.makes)+len(c.links.changes) > 0 || len(c.links.drops) == 0 || c.hasHiddenEffects() {
		return false
	}
	for key := range c.links.drops {
		if !key.isPartOf(table) {
			return false
		}
	}
	return true
}

// firstDrop returns the index of the command that drops an element; -1 if none does.
func (r *release) firstDrop(key Key) int {
	for i, c := range r.commands {
		if c.links.drops[key] {
			return i
		}
	}
	return -1
}

// reliesOnDrop reports whether a command between two others may need that the first of them has dropped something: it writes rows of its table,
// takes a row away that the table refers to, or does what its words do not say.
func (r *release) reliesOnDrop(drop *Command, table catalog.OID, commandsBetween []*Command) bool {
	return slices.ContainsFunc(commandsBetween, func(c *Command) bool {
		if c.hasHiddenEffects() || c.links.writes[table] {
			return true
		}
		for i := range drop.Stmt.Deltas {
			d := &drop.Stmt.Deltas[i]
			if con := d.OldConstraint; con != nil && con.Ref != 0 && c.links.writes[con.Ref] && !c.keepsReferencedRows(con) {
				return true
			}
		}
		return false
	})
}

// keepsReferencedRows reports whether a command that writes a table keeps all rows to which a foreign key of another table refers.
func (c *Command) keepsReferencedRows(con *catalog.Constraint) bool {
	target := c.Stmt.Node.GetUpdateStmt().GetRelation()
	if insert := c.Stmt.Node.GetInsertStmt(); insert != nil {
		target = insert.GetRelation()
	}
	t, _ := c.Stmt.Before.Resolve(target)
	if t == nil || t.OID != con.Ref {
		return false
	}
	key := t.ColumnNames(con.RefColumns)
	return !slices.ContainsFunc(analysis.ReadWrite(pgparse.Unwrap(c.Stmt.Node)).Columns, func(name string) bool { return slices.Contains(key, name) })
}
