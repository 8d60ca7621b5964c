package analysis

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// LaterDrop is an object that the contract of a plan under way will drop.
type LaterDrop struct {
	// Plan is the plan's ID. ContractCommand and AbortCommand end it. Replaces are the files of the migrations that it replaces.
	Plan, ContractCommand, AbortCommand string

	Replaces []string
	// Relation is the dropped relation, or the one of the dropped Column or Constraint.
	Relation   catalog.OID
	Column     int16
	Constraint catalog.OID
	// Text is "column name of users".
	Text string
}

// FinishAdvice says how to end the plan.
func (d *LaterDrop) FinishAdvice() string {
	return "finish the plan first (" + d.ContractCommand + "), or take it back (" + d.AbortCommand + ")"
}

// ListLaterDrops returns the objects of a deployed schema that the contract of a plan will drop. isDone reports whether a step is done, by its ID.
func ListLaterDrops(p *onward.Plan, deployed *catalog.Catalog, isDone func(step string) bool) (out []LaterDrop) {
	if !slices.ContainsFunc(p.Steps, func(s onward.PlanStep) bool { return s.Phase == onward.Contract && !isDone(s.ID) }) {
		return nil
	}
	after := deployed
	for i := range p.Steps {
		if !isDone(p.Steps[i].ID) {
			after = ApplyAll(after, p.Steps[i].SQL)
		}
	}
	deployed.EachRelation(func(r *catalog.Relation) bool {
		left := after.Relation(r.OID)
		switch {
		case left == r || r.Name.Schema == onward.PlanRoom:
		case left != nil:
			out = append(out, listDroppedParts(r, left)...)
		case r.Kind.IsTable() || r.Kind.IsView() || r.Kind == catalog.ForeignTable:
			out = append(out, LaterDrop{Relation: r.OID, Text: r.Kind.String() + " " + r.Name.String()})
		}
		return true
	})
	return out
}

// RenameSchema returns a catalog in which a schema has another name, instead of the schema that has it.
func RenameSchema(c *catalog.Catalog, from, to string) *catalog.Catalog {
	if from == to {
		return c
	}
	to = pgparse.QuoteIdent(to)
	return ApplyAll(c, "DROP SCHEMA IF EXISTS "+to+" CASCADE; ALTER SCHEMA "+pgparse.QuoteIdent(from)+" RENAME TO "+to)
}

// ApplyAll applies the statements of a text that can be parsed.
func ApplyAll(c *catalog.Catalog, sql string) *catalog.Catalog {
	f, err := pgparse.SplitText(sql)
	if err != nil {
		return c
	}
	for i := range f.Stmts {
		if s := &f.Stmts[i]; s.Node != nil {
			c, _ = c.Apply(s.Node, sql[s.Start:s.End])
		}
	}
	return c
}

// listDroppedParts returns the columns that a relation loses, and the constraints on columns that it keeps.
func listDroppedParts(r, left *catalog.Relation) (out []LaterDrop) {
	lost := map[int16]bool{}
	for _, col := range r.Columns {
		if left.Attr(col.Attnum) == nil {
			lost[col.Attnum] = true
			out = append(out, LaterDrop{Relation: r.OID, Column: col.Attnum, Text: "column " + col.Name + " of " + r.Name.String()})
		}
	}
	for _, con := range r.Constraints {
		if constraintByID(left, con.ID) == nil && !slices.ContainsFunc(con.Columns, func(n int16) bool { return lost[n] }) {
			out = append(out, LaterDrop{Relation: r.OID, Constraint: con.ID, Text: "constraint " + con.Name + " of " + r.Name.String()})
		}
	}
	return out
}

func constraintByID(r *catalog.Relation, id catalog.OID) *catalog.Constraint {
	if i := slices.IndexFunc(r.Constraints, func(c *catalog.Constraint) bool { return c.ID == id }); i >= 0 {
		return r.Constraints[i]
	}
	return nil
}

// IsTouched reports whether a statement uses the object: it works on the schema before it, and either fails if the object has been dropped, or
// does something else then, or is in the way of the later drop. A query that only reads rows uses nothing.
func (d *LaterDrop) IsTouched(node *pgparse.Node, sql string, before *catalog.Catalog, v *effect.Version) bool {
	if s := node.GetSelectStmt(); s != nil && s.GetIntoClause() == nil {
		return false
	}
	name, dropSQL := d.findObject(before)
	if name == "" {
		return false
	}
	after, refused := applyWithRefusal(node, sql, before, v)
	if refused != nil {
		return false
	}
	if left, _ := d.findObject(after); left != name || isDropNewlyBlocked(dropSQL, before, after) || dropsCreatedIndex(dropSQL, before, after) {
		return true
	}
	if v := node.GetViewStmt(); v != nil && d.Column == 0 && d.Constraint == 0 {
		if r, _ := before.Resolve(v.GetView()); r != nil && r.OID == d.Relation {
			return true // the later drop takes the new definition along
		}
	}
	afterDrop := ApplyAll(before, dropSQL+" CASCADE")
	if left, _ := d.findObject(afterDrop); left != "" {
		return false
	}
	dropThenStatement, refused := applyWithRefusal(node, sql, afterDrop, v)
	if refused != nil {
		return !refused.IsMissing() || slices.ContainsFunc(refused.Objects, func(o string) bool { return strings.TrimPrefix(o, "public.") == name })
	}
	return len(catalog.Diff(before, after)) == 0 && len(catalog.Diff(afterDrop, dropThenStatement)) > 0 // IF NOT EXISTS
}

// findObject returns the name of the object in a schema, and the statement that drops it; "" if it does not exist.
func (d *LaterDrop) findObject(c *catalog.Catalog) (name, dropSQL string) {
	r := c.Relation(d.Relation)
	if r == nil {
		return "", ""
	}
	alter := "ALTER TABLE " + QuoteTable(r.Name) + " DROP "
	switch {
	case d.Column != 0:
		if col := r.Attr(d.Column); col != nil {
			return col.Name, alter + "COLUMN " + pgparse.QuoteIdent(col.Name)
		}
		return "", ""
	case d.Constraint != 0:
		if con := constraintByID(r, d.Constraint); con != nil {
			return con.Name, alter + "CONSTRAINT " + pgparse.QuoteIdent(con.Name)
		}
		return "", ""
	}
	kind := "TABLE "
	switch r.Kind {
	case catalog.View:
		kind = "VIEW "
	case catalog.MaterializedView:
		kind = "MATERIALIZED VIEW "
	case catalog.ForeignTable:
		kind = "FOREIGN TABLE "
	}
	return r.Name.String(), "DROP " + kind + QuoteTable(r.Name)
}

// isDropNewlyBlocked reports whether something depends on a dropped object after a statement, and nothing did before.
func isDropNewlyBlocked(dropSQL string, before, after *catalog.Catalog) bool {
	node := pgparse.ParseStatement(dropSQL)
	if node == nil {
		return false
	}
	_, old := before.Apply(node, dropSQL)
	_, now := after.Apply(node, dropSQL)
	return len(old) == 0 && len(now) > 0
}

// dropsCreatedIndex reports whether the drop takes along an index that a statement has created.
func dropsCreatedIndex(dropSQL string, before, after *catalog.Catalog) bool {
	deltas := catalog.Diff(before, after)
	if len(deltas) == 0 {
		return false
	}
	left := ApplyAll(after, dropSQL)
	return slices.ContainsFunc(deltas, func(d catalog.Delta) bool {
		return d.OldIndex == nil && d.NewIndex != nil && left.Relation(d.NewIndex.OID) == nil
	})
}

// applyWithRefusal applies a statement, and returns the refusal that is certain; nil for none.
func applyWithRefusal(node *pgparse.Node, sql string, c *catalog.Catalog, v *effect.Version) (*catalog.Catalog, *pgerror.Refusal) {
	after, problems := c.Judge(node, sql, false)
	for i := range problems {
		if problems[i].Certain || problems[i].Conflict {
			return c, &problems[i].Refusal
		}
	}
	return after, effect.EffectOf(node, c, v, effect.Inputs{Problems: problems}).Refused
}

// DroppedObject is an object that a DROP names.
type DroppedObject struct {
	// Name is the name as written; the schema may be "".
	catalog.Name
	Node *pgparse.Node
}

// ListDropped lists what a DROP of one of the kinds names.
func ListDropped(n *pgparse.Node, kinds ...pgparse.ObjectType) []DroppedObject {
	d := n.GetDropStmt()
	if d == nil || !slices.Contains(kinds, d.GetRemoveType()) {
		return nil
	}
	out := make([]DroppedObject, 0, len(d.GetObjects()))
	for _, n := range d.GetObjects() {
		if parts := nameParts(n); len(parts) > 0 {
			o := DroppedObject{Node: n}
			o.Schema, o.Name.Name = pgparse.SchemaAndName(parts)
			out = append(out, o)
		}
	}
	return out
}

// nameParts returns the parts of the name of a dropped object.
func nameParts(n *pgparse.Node) []*pgparse.Node {
	switch {
	case n.GetTypeName() != nil:
		return n.GetTypeName().GetNames()
	case n.GetObjectWithArgs() != nil:
		return n.GetObjectWithArgs().GetObjname()
	case n.GetString_() != nil:
		return []*pgparse.Node{n}
	}
	return n.GetList().GetItems()
}

// DropsByName reports whether a statement is a DROP of one of the kinds that names the relation,
// and does not take it along.
func DropsByName(n *pgparse.Node, name catalog.Name, kinds ...pgparse.ObjectType) bool {
	return DroppedNames(n, kinds...)[name.Name]
}

// DroppedNames are the names of the objects that a DROP of one of the kinds has.
func DroppedNames(n *pgparse.Node, kinds ...pgparse.ObjectType) map[string]bool {
	names := map[string]bool{}
	if d := n.GetDropStmt(); slices.Contains(kinds, d.GetRemoveType()) {
		for _, n := range d.GetObjects() {
			names[pgparse.ClipName(pgparse.LastText(nameParts(n)))] = true
		}
	}
	return names
}
