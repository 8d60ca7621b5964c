package usage

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// AllColumns is the name of a column that stands for all of its source.
const AllColumns = "*"

// digest notes what a statement needs of a schema that is not known yet: what the
// binder says of it where every relation may have any column. Which of the sources of
// a name has the column, the index tells.
type digest struct {
	q    *Query
	line func(at int) int
	sets []Place
	// at are the relations by the places that name them.
	at map[*pgparse.RangeVar]int
	// copies: the statement is COPY of a relation.
	copies bool
	// fragment: the statement is a piece of one, whose tables may be named elsewhere.
	fragment bool
	// strays are columns of what the statement does not have.
	strays []query.Use
	// places are constants that are for a column, by where they stand.
	places map[int]query.Use
}

// digestOf is the digest of a statement; nil of one that works on no rows. line tells
// the line of an offset of the statement.
func digestOf(n *pgparse.Node, fragment bool, line func(at int) int) (*Query, []Place) {
	works := worksOnRows(n)
	if !works && n.GetVariableSetStmt() == nil {
		return nil, nil
	}
	d := &digest{q: &Query{}, line: line, at: map[*pgparse.RangeVar]int{}, places: map[int]query.Use{}, copies: n.GetCopyStmt().GetRelation() != nil, fragment: fragment}
	for _, u := range query.Uses(n, query.Nothing{}) {
		d.use(&u)
	}
	if !works {
		return nil, d.sets
	}
	for i := range d.strays { // such as of a table that the program joins
		if s := &d.strays[i]; (fragment || len(d.at) == 0) && !hole(s.Name) {
			d.q.Relations = append(d.q.Relations, Relation{Name: s.Name, Line: line(s.At)})
			d.columnOf(s.Column, Reads, s.At, []int{len(d.q.Relations) - 1})
		}
	}
	d.fills(n)
	d.texts(n)
	return d.q, d.sets
}

// worksOnRows reports whether a statement is one that code sends to work with: what
// makes the schema is none.
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

// use notes one use.
func (d *digest) use(u *query.Use) {
	switch u.How {
	case query.Reads:
		if d.copies {
			d.write(u, Exports)
		} else {
			d.source(u.Of, Reads)
		}
	case query.Inserts:
		d.write(u, d.inserts())
	case query.Updates:
		d.write(u, Updates)
	case query.Deletes:
		d.write(u, Deletes)
	case query.Empties:
		d.write(u, Truncates)
	case query.Locks:
		d.source(u.Of, Locks)
	case query.Refreshes:
		d.source(u.Of, Updates)
	case query.ReadsColumn:
		how := Reads
		if d.copies {
			how = Exports
		}
		d.column(u, how)
	case query.InsertsColumn:
		d.column(u, d.inserts())
	case query.UpdatesColumn:
		d.column(u, Updates)
		d.gives(u, Given{Column: u.Column})
	case query.Gives:
		d.gives(u, Given{Column: u.Column, Value: u.Value, Constant: true})
		d.places[u.At] = *u
	case query.Compares:
		d.places[u.At] = *u
	case query.Stars:
		if u.Sure {
			d.columnOf(AllColumns, Reads, u.At, d.of(u))
		}
	case query.Arbitrates:
		d.arbitrates(u)
	case query.Strays:
		d.strays = append(d.strays, *u)
	default:
		d.object(u)
	}
}

// object notes what is no relation or column.
func (d *digest) object(u *query.Use) {
	switch u.How {
	case query.ArbitratesName:
		d.q.Constraints = append(d.q.Constraints, Place{u.Columns[0], d.line(u.At)})
		d.q.Upserts = append(d.q.Upserts, Upsert{d.source(u.Of, Inserts), d.line(u.At), Target{Constraint: u.Columns[0], Open: hole(u.Columns[0])}})
	case query.Defers:
		d.q.Constraints = append(d.q.Constraints, Place{u.Name, d.line(u.At)})
	case query.Calls, query.Runs:
		if u.Schema != "pg_catalog" && u.Name != "" && !hole(u.Name) {
			d.q.Functions = append(d.q.Functions, Relation{Schema: u.Schema, Name: u.Name, Line: d.line(u.At)})
		}
	case query.Casts:
		d.q.Types = append(d.q.Types, Relation{Schema: u.Schema, Name: u.Name, Line: d.line(u.At)})
	case query.Numbers:
		d.q.Relations = append(d.q.Relations, Relation{u.Schema, u.Name, d.line(u.At), Reads})
	case query.Sets:
		d.sets = append(d.sets, Place{u.Name, d.line(u.At)})
	}
}

// arbitrates notes an ON CONFLICT with the columns that it asks for.
func (d *digest) arbitrates(u *query.Use) {
	x := Upsert{Relation: d.source(u.Of, Inserts), Line: d.line(u.At), Target: Target{Where: u.Partial}}
	for _, name := range u.Columns {
		x.Open = x.Open || hole(name)
		x.Columns = append(x.Columns, name)
		if name != "" && !strings.HasSuffix(name, ")") {
			d.columnOf(name, Reads, u.At, d.of(u))
		}
	}
	d.q.Upserts = append(d.q.Upserts, x)
}

func (d *digest) inserts() How {
	if d.copies {
		return Copies
	}
	return Inserts
}

// source notes a relation where it is named, once: what is done to it counts before
// that it is read. OtherSource is one that the program puts in.
func (d *digest) source(s *query.Source, how How) int {
	at, known := d.at[s.Range]
	if known {
		if at >= 0 && d.q.Relations[at].How == Reads {
			d.q.Relations[at].How = how
		}
		return at
	}
	schema, name := pgparse.RangeName(s.Range)
	if at = OtherSource; !hole(name) {
		if hole(schema) {
			schema = ""
		}
		at = len(d.q.Relations)
		d.q.Relations = append(d.q.Relations, Relation{schema, name, d.line(int(s.Range.GetLocation())), how})
	}
	d.at[s.Range] = at
	return at
}

// write notes what a statement writes to a relation, or copies of it.
func (d *digest) write(u *query.Use, how How) {
	at := d.source(u.Of, how)
	if at < 0 {
		return
	}
	w := Write{Relation: at, How: how, Line: d.line(u.At), Listed: len(u.Columns) > 0, Values: u.Width}
	for _, name := range u.Columns {
		if name == "" || hole(name) {
			d.q.Open = true
			continue
		}
		w.Columns = append(w.Columns, Given{Column: name})
	}
	d.q.Writes = append(d.q.Writes, w)
}

// gives notes what the last write gives a column: of several rows, the first constant.
func (d *digest) gives(u *query.Use, g Given) {
	if hole(g.Column) {
		d.q.Open = true
		return
	}
	if len(d.q.Writes) == 0 || d.source(u.Of, Reads) < 0 || len(g.Value) > maxConstant {
		return
	}
	w := &d.q.Writes[len(d.q.Writes)-1]
	i := slices.IndexFunc(w.Columns, func(o Given) bool { return o.Column == g.Column })
	switch {
	case i < 0:
		w.Columns = append(w.Columns, g)
	case !w.Columns[i].Constant:
		w.Columns[i] = g
	}
}

// of are the sources that a column may be of.
func (d *digest) of(u *query.Use) []int {
	if u.May == nil {
		return []int{d.source(u.Of, Reads)}
	}
	var out []int
	for i, level := range u.May {
		if i > 0 {
			out = append(out, NextLevel)
		}
		for _, s := range level {
			out = append(out, d.source(s, Reads))
		}
	}
	return out
}

func (d *digest) column(u *query.Use, how How) { d.columnOf(u.Column, how, u.At, d.of(u)) }

// columnOf notes a column of some sources.
func (d *digest) columnOf(name string, how How, at int, of []int) {
	if !hole(name) {
		d.q.Columns = append(d.q.Columns, Column{Name: name, Line: d.line(at), How: how, Of: of})
	}
}

// maxConstant is how long a constant is that is noted.
const maxConstant = 64

// texts notes the constants of a statement, and whether it compares whole rows.
func (d *digest) texts(n *pgparse.Node) {
	cast, given := map[*pgparse.A_Const]*pgparse.TypeName{}, map[*pgparse.A_Const]string{}
	pgparse.Walk(n, func(msg any) bool {
		switch x := msg.(type) {
		case *pgparse.TypeCast:
			if c := x.GetArg().GetAConst(); c != nil {
				cast[c] = x.GetTypeName()
			}
		case *pgparse.FuncCall:
			for _, arg := range x.GetArgs() {
				if c := arg.GetAConst(); c != nil {
					given[c] = pgparse.Clip(pgparse.Last(x.GetFuncname()))
				}
			}
		case *pgparse.A_Const:
			if text := x.GetSval().GetSval(); text != "" && len(text) <= maxConstant && !d.fragment {
				d.constant(Constant{Text: text, Function: given[x]}, int(x.GetLocation()), cast[x])
			}
		case *pgparse.SelectStmt:
			d.q.Compares = d.q.Compares || x.GetLarg() != nil && !x.GetAll() || len(x.GetDistinctClause()) > 0 || len(x.GetGroupClause()) > 0
		}
		return true
	})
}

// constant notes a text, and what it is for.
func (d *digest) constant(c Constant, at int, cast *pgparse.TypeName) {
	c.Line = d.line(at)
	if u, ok := d.places[at]; ok && !hole(u.Column) {
		c.Column, c.Of, c.Function = u.Column, d.of(&u), ""
	} else if cast != nil {
		c.Schema, c.Type = pgparse.SchemaAndName(cast.GetNames())
	}
	d.q.Constants = append(d.q.Constants, c)
}
