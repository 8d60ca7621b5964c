package queries

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// AllColumns is the name of a column that means all columns of its source.
const AllColumns = "*"

// digest collects what a statement needs from a schema that is not known yet. The binder
// runs as if every relation may have any column. The index decides later which of the
// possible sources has the column.
type digest struct {
	q    *facts.Query
	line func(offset int) int
	sets []facts.Place
	// at maps the places that name relations to indexes into the query's relations.
	at map[*pgparse.RangeVar]int
	// copies is set for a COPY of a relation.
	copies bool
	// fragment is set if the statement is a piece of one, whose tables may be named
	// elsewhere.
	fragment bool
	// strays are the columns whose table the statement does not name, as in a fragment.
	strays []query.Use
	// places maps the offsets of constants to the columns that they are for.
	places map[int]query.Use
}

// DigestStatement returns the digest of a statement; nil for one that works on no rows. line
// returns the line of an offset in the statement.
func DigestStatement(n *pgparse.Node, fragment bool, line func(offset int) int) (*facts.Query, []facts.Place) {
	works := worksOnRows(n)
	if !works && n.GetVariableSetStmt() == nil {
		return nil, nil
	}
	d := &digest{
		q:        &facts.Query{},
		line:     line,
		at:       map[*pgparse.RangeVar]int{},
		places:   map[int]query.Use{},
		copies:   n.GetCopyStmt().GetRelation() != nil,
		fragment: fragment,
	}
	for _, u := range query.ListUses(n, query.NoRelations{}) {
		d.recordUse(&u)
	}
	if !works {
		return nil, d.sets
	}
	for i := range d.strays { // such as of a table that the program joins
		if s := &d.strays[i]; (fragment || len(d.at) == 0) && !HasHole(s.Name) {
			d.q.Relations = append(d.q.Relations, facts.Relation{Name: s.Name, Line: line(s.At)})
			d.addColumn(s.Column, facts.Reads, s.At, []int{len(d.q.Relations) - 1})
		}
	}
	d.recordCopiedRows(n)
	d.recordConstants(n)
	d.q.Whole = !fragment && readsFullTable(n.GetSelectStmt())
	if len(d.q.Relations) == 1 && !fragment {
		d.q.Picks = picksOf(n)
	}
	return d.q, d.sets
}

// worksOnRows reports whether a statement is one that code sends for its work, and not
// one that creates the schema.
func worksOnRows(n *pgparse.Node) bool {
	switch s := pgparse.Unwrap(n).(type) {
	case *pgparse.SelectStmt, *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt, *pgparse.CopyStmt,
		*pgparse.TruncateStmt, *pgparse.LockStmt, *pgparse.RefreshMatViewStmt, *pgparse.CallStmt, *pgparse.ConstraintsSetStmt:
		return true
	case *pgparse.CreateTableAsStmt:
		return worksOnRows(s.GetQuery())
	case *pgparse.ExplainStmt:
		return worksOnRows(s.GetQuery())
	case *pgparse.DeclareCursorStmt:
		return worksOnRows(s.GetQuery())
	case *pgparse.PrepareStmt:
		return worksOnRows(s.GetQuery())
	}
	return false
}

// recordUse records one use.
func (d *digest) recordUse(u *query.Use) {
	switch u.How {
	case query.Reads:
		if d.copies {
			d.recordWrite(u, facts.Exports)
		} else {
			d.recordSource(u.Of, facts.Reads)
		}
	case query.Inserts:
		d.recordWrite(u, d.insertKind())
	case query.Updates:
		d.recordWrite(u, facts.Updates)
	case query.Deletes:
		d.recordWrite(u, facts.Deletes)
	case query.Empties:
		d.recordWrite(u, facts.Truncates)
	case query.Locks:
		d.recordSource(u.Of, facts.Locks)
	case query.Refreshes:
		d.recordSource(u.Of, facts.Updates)
	case query.ReadsColumn:
		access := facts.Reads
		if d.copies {
			access = facts.Exports
		}
		d.recordColumn(u, access)
	case query.InsertsColumn:
		d.recordColumn(u, d.insertKind())
	case query.UpdatesColumn:
		d.recordColumn(u, facts.Updates)
		d.recordValue(u, facts.Given{Column: u.Column})
	case query.Gives:
		d.recordValue(u, facts.Given{Column: u.Column, Value: u.Value, Constant: true})
		d.places[u.At] = *u
	case query.Compares:
		d.places[u.At] = *u
	case query.Stars:
		if u.Sure {
			d.addColumn(AllColumns, facts.Reads, u.At, d.possibleSources(u))
		}
	case query.Arbitrates:
		d.recordConflictTarget(u)
	case query.Strays:
		d.strays = append(d.strays, *u)
	default:
		d.recordObject(u)
	}
}

// recordObject records a use that is no relation or column.
func (d *digest) recordObject(u *query.Use) {
	switch u.How {
	case query.ArbitratesName:
		d.q.Constraints = append(d.q.Constraints, facts.Place{Name: u.Columns[0], Line: d.line(u.At)})
		d.q.Upserts = append(d.q.Upserts, facts.Upsert{Relation: d.recordSource(u.Of, facts.Inserts), Line: d.line(u.At), Target: facts.Target{Constraint: u.Columns[0], Open: HasHole(u.Columns[0])}})
	case query.Defers:
		d.q.Constraints = append(d.q.Constraints, facts.Place{Name: u.Name, Line: d.line(u.At)})
	case query.Calls, query.Runs:
		if u.Schema != "pg_catalog" && u.Name != "" && !HasHole(u.Name) {
			d.q.Functions = append(d.q.Functions, facts.FunctionCall{Relation: d.usedRelation(u), Args: u.Width})
		}
	case query.Casts:
		d.q.Types = append(d.q.Types, d.usedRelation(u))
	case query.Sorts:
		d.q.Collations = append(d.q.Collations, d.usedRelation(u))
	case query.Parses:
		d.q.TextSearches = append(d.q.TextSearches, d.usedRelation(u))
	case query.Numbers:
		d.q.Relations = append(d.q.Relations, d.usedRelation(u))
	case query.Sets:
		d.sets = append(d.sets, facts.Place{Name: u.Name, Line: d.line(u.At)})
	}
}

// usedRelation returns the name of a use that reads something.
func (d *digest) usedRelation(u *query.Use) facts.Relation {
	return facts.Relation{Schema: u.Schema, Name: u.Name, Line: d.line(u.At), How: facts.Reads}
}

// recordConflictTarget records an ON CONFLICT with its target columns.
func (d *digest) recordConflictTarget(u *query.Use) {
	x := facts.Upsert{Relation: d.recordSource(u.Of, facts.Inserts), Line: d.line(u.At), Target: facts.Target{Where: u.Partial}}
	for _, name := range u.Columns {
		x.Open = x.Open || HasHole(name)
		x.Columns = append(x.Columns, name)
		if name != "" && !strings.HasSuffix(name, ")") {
			d.addColumn(name, facts.Reads, u.At, d.possibleSources(u))
		}
	}
	d.q.Upserts = append(d.q.Upserts, x)
}

func (d *digest) insertKind() facts.How {
	if d.copies {
		return facts.Copies
	}
	return facts.Inserts
}

// recordSource records a relation at the first place that names it: a write replaces an earlier
// read. It returns OtherSource for a relation that the program inserts into the text.
func (d *digest) recordSource(s *query.Source, access facts.How) int {
	index, known := d.at[s.Range]
	if known {
		if index >= 0 && d.q.Relations[index].How == facts.Reads {
			d.q.Relations[index].How = access
		}
		return index
	}
	schema, name := pgparse.RangeName(s.Range)
	if index = facts.OtherSource; !HasHole(name) {
		if HasHole(schema) {
			schema = ""
		}
		index = len(d.q.Relations)
		d.q.Relations = append(d.q.Relations, facts.Relation{Schema: schema, Name: name, Line: d.line(int(s.Range.GetLocation())), How: access})
	}
	d.at[s.Range] = index
	return index
}

// recordWrite records what a statement writes to a relation, or copies from it.
func (d *digest) recordWrite(u *query.Use, access facts.How) {
	index := d.recordSource(u.Of, access)
	if index < 0 {
		return
	}
	w := facts.Write{Relation: index, How: access, Line: d.line(u.At), Listed: len(u.Columns) > 0, Values: u.Width}
	for _, name := range u.Columns {
		if name == "" || HasHole(name) {
			d.q.Open = true
			continue
		}
		w.Columns = append(w.Columns, facts.Given{Column: name})
	}
	d.q.Writes = append(d.q.Writes, w)
}

// recordValue records the value that the last write gives a column: if there are several rows,
// the first constant.
func (d *digest) recordValue(u *query.Use, g facts.Given) {
	if HasHole(g.Column) {
		d.q.Open = true
		return
	}
	if len(d.q.Writes) == 0 || d.recordSource(u.Of, facts.Reads) < 0 || len(g.Value) > facts.MaxConstant {
		return
	}
	w := &d.q.Writes[len(d.q.Writes)-1]
	i := slices.IndexFunc(w.Columns, func(o facts.Given) bool { return o.Column == g.Column })
	switch {
	case i < 0:
		w.Columns = append(w.Columns, g)
	case !w.Columns[i].Constant:
		w.Columns[i] = g
	}
}

// possibleSources returns the sources that a column may belong to.
func (d *digest) possibleSources(u *query.Use) []int {
	if u.May == nil {
		return []int{d.recordSource(u.Of, facts.Reads)}
	}
	var out []int
	for i, level := range u.May {
		if i > 0 {
			out = append(out, facts.NextLevel)
		}
		for _, s := range level {
			out = append(out, d.recordSource(s, facts.Reads))
		}
	}
	return out
}

func (d *digest) recordColumn(u *query.Use, access facts.How) {
	d.addColumn(u.Column, access, u.At, d.possibleSources(u))
}

// addColumn records a column of some sources.
func (d *digest) addColumn(name string, access facts.How, offset int, sources []int) {
	if !HasHole(name) {
		d.q.Columns = append(d.q.Columns, facts.Column{Name: name, Line: d.line(offset), How: access, Of: sources})
	}
}

// recordConstants records the constants of a statement, and whether it compares whole rows.
func (d *digest) recordConstants(n *pgparse.Node) {
	pgparse.OperatorsIn(n, func(name string, offset int) {
		if !HasHole(name) {
			d.q.Functions = append(d.q.Functions, facts.FunctionCall{Relation: facts.Relation{Name: name, Line: d.line(offset)}})
		}
	})
	cast, functionByConst := map[*pgparse.A_Const]*pgparse.TypeName{}, map[*pgparse.A_Const]string{}
	pgparse.Walk(n, func(msg any) bool {
		switch x := msg.(type) {
		case *pgparse.TypeCast:
			if c := x.GetArg().GetAConst(); c != nil {
				cast[c] = x.GetTypeName()
			}
		case *pgparse.FuncCall:
			for _, arg := range x.GetArgs() {
				if c := arg.GetAConst(); c != nil {
					functionByConst[c] = pgparse.ClipName(pgparse.LastText(x.GetFuncname()))
				}
			}
		case *pgparse.A_Const:
			if text := x.GetSval().GetSval(); text != "" && len(text) <= facts.MaxConstant && !d.fragment {
				d.recordConstant(facts.Constant{Text: text, Function: functionByConst[x]}, int(x.GetLocation()), cast[x])
			}
		case *pgparse.SelectStmt:
			d.q.Compares = d.q.Compares || x.GetLarg() != nil && !x.GetAll() || len(x.GetDistinctClause()) > 0 || len(x.GetGroupClause()) > 0
		}
		return true
	})
}

// recordConstant records a text, and what it is for.
func (d *digest) recordConstant(c facts.Constant, offset int, cast *pgparse.TypeName) {
	c.Line = d.line(offset)
	if u, ok := d.places[offset]; ok && !HasHole(u.Column) {
		c.Column, c.Of, c.Function = u.Column, d.possibleSources(&u), ""
	} else if cast != nil {
		c.Schema, c.Type = pgparse.SchemaAndName(cast.GetNames())
	}
	d.q.Constants = append(d.q.Constants, c)
}
