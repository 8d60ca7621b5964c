package catalog

import (
	"cmp"
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// ruleDependencies returns the columns that a rule depends on: those that its
// condition and actions read, also in its own table, and those that they write.
func (f *fold) ruleDependencies(r *Relation, u *Rule) []ReadColumns {
	read := f.newReader()
	rows := []*query.Source{{Alias: "new", Table: r}, {Alias: "old", Table: r}}
	read.readExpr(u.Where, rows...)
	for _, n := range u.Actions {
		read.readStatement(n, rows...)
		switch s := pgparse.Unwrap(n).(type) {
		case *pgparse.InsertStmt:
			read.addWrittenColumns(s.GetRelation(), s.GetCols(), len(s.GetCols()) == 0)
		case *pgparse.UpdateStmt:
			read.addWrittenColumns(s.GetRelation(), s.GetTargetList(), false)
		}
	}
	var out []ReadColumns
	for oid, columns := range read.q.columns {
		if !slices.Contains(read.q.reads, oid) {
			out = append(out, ReadColumns{oid, columns})
		}
	}
	for _, oid := range read.q.reads {
		out = append(out, ReadColumns{oid, read.q.columns[oid]})
	}
	return out
}

// addWrittenColumns records the columns of a target that a statement names, or all of them
// if all is set.
func (r *reader) addWrittenColumns(rv *pgparse.RangeVar, list []*pgparse.Node, all bool) {
	rel := r.f.findRelation(pgparse.RangeName(rv))
	if rel == nil {
		return
	}
	for _, c := range rel.Columns {
		if all || slices.ContainsFunc(list, func(n *pgparse.Node) bool { return clipName(n.GetResTarget().GetName()) == c.Name }) {
			r.addReadColumn(rel, c)
		}
	}
}

// RuleOn is a rewrite rule with its table or view.
type RuleOn struct {
	Table *Relation
	Rule  *Rule
}

// RulesOver are the rules of other relations that use a relation, or with a
// column the rules of any that use that column, oldest relation first.
func (c *Catalog) RulesOver(relation OID, column int16) []RuleOn {
	list, ok := c.typed.get(relation)
	if !ok {
		return nil
	}
	var out []RuleOn
	for _, t := range c.listUsers(list) {
		if column == 0 && t.OID == relation {
			continue // they go with it
		}
		for _, u := range t.Rules {
			if containsColumnRead(u.Uses, relation, column) {
				out = append(out, RuleOn{t, u})
			}
		}
	}
	return out
}

// dropRulesOver drops the rules that cannot be without a relation or a column.
func (f *fold) dropRulesOver(relation OID, column int16) {
	for _, x := range f.RulesOver(relation, column) {
		if t := f.editRelation(x.Table.OID); t != nil {
			t.copyRare().Rules = slices.DeleteFunc(slices.Clone(t.Rules), func(u *Rule) bool { return u == x.Rule })
		}
	}
}

// bodyDependencies are the columns that a body in SQL's own words (RETURN x, BEGIN
// ATOMIC) depends on. One that is a string depends on nothing.
func (f *fold) bodyDependencies(body *pgparse.Node) []ReadColumns {
	if body == nil {
		return nil
	}
	read := f.newReader()
	pgparse.Walk(body, func(msg any) bool {
		switch s := msg.(type) {
		case *pgparse.ReturnStmt:
			read.readExpr(s.GetReturnval())
			return false
		case *pgparse.SelectStmt:
			read.readStatement(&pgparse.Node{Node: &pgparse.Node_SelectStmt{SelectStmt: s}})
			return false
		case *pgparse.InsertStmt:
			read.readStatement(&pgparse.Node{Node: &pgparse.Node_InsertStmt{InsertStmt: s}})
			read.addWrittenColumns(s.GetRelation(), s.GetCols(), len(s.GetCols()) == 0)
			return false
		case *pgparse.UpdateStmt:
			read.readStatement(&pgparse.Node{Node: &pgparse.Node_UpdateStmt{UpdateStmt: s}})
			read.addWrittenColumns(s.GetRelation(), s.GetTargetList(), false)
			return false
		case *pgparse.DeleteStmt:
			read.readStatement(&pgparse.Node{Node: &pgparse.Node_DeleteStmt{DeleteStmt: s}})
			return false
		}
		return true
	})
	out := make([]ReadColumns, 0, len(read.q.reads))
	for _, oid := range read.q.reads {
		out = append(out, ReadColumns{oid, read.q.columns[oid]})
	}
	return out
}

// BodiesOver are the functions with a body in SQL's own words that uses a
// relation; a column of it, when that is not 0.
func (c *Catalog) BodiesOver(relation OID, column int16) []*Function {
	if _, ever := c.bodied.get(relation); !ever {
		return nil
	}
	var out []*Function
	c.EachFunction(func(fn *Function) bool {
		if containsColumnRead(fn.Uses, relation, column) {
			out = append(out, fn)
		}
		return true
	})
	slices.SortFunc(out, func(a, b *Function) int { return cmp.Compare(a.OID, b.OID) })
	return out
}

// dropBodiesOver drops the functions that cannot be without a relation or a
// column.
func (f *fold) dropBodiesOver(relation OID, column int16) {
	for _, fn := range f.BodiesOver(relation, column) {
		f.setFunctions(fn.Name, slices.DeleteFunc(slices.Clone(f.functionsNamed(fn.Name)), func(o *Function) bool { return o == fn }))
		f.dropCallersOrRefuse(f.newCallee(fn.Name, []*Function{fn}, 0), true)
	}
}
