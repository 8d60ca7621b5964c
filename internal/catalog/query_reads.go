package catalog

import (
	"slices"
	"strconv"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// queryReads are the objects that a query reads, and its output columns.
type queryReads struct {
	reads     []OID
	columns   map[OID][]int16
	functions []Name
	types     []OID
	star      bool // the query has a *
	output    []outputColumn
	// unknown says that output may lack columns: * of something unknown.
	unknown bool
}

type outputColumn struct {
	name string
	typ  Type
}

// reader collects the relations, columns, functions and types that queries read. A
// relation that the catalog does not hold becomes an inferred one, with the columns
// that the queries name.
type reader struct {
	f *fold
	q *queryReads
	// learned says that a name in a query added a column to an inferred relation.
	learned bool
}

func (f *fold) newReader() *reader {
	return &reader{f: f, q: &queryReads{columns: map[OID][]int16{}}}
}

// readQuery returns the objects that a query reads, and its output columns.
func (f *fold) readQuery(n *pgparse.Node) *queryReads {
	r := f.newReader()
	l := r.readStatement(n)
	if l == nil { // EXECUTE of a prepared statement: nothing is known of it
		r.q.unknown = pgparse.Unwrap(n) != nil
		return r.q
	}
	if r.learned { // a star stands for what was learned, too
		l = query.BindStatement(n, r)
	}
	for i := range l.Outputs {
		r.q.output = append(r.q.output, outputColumn{l.Outputs[i].Name, r.outputType(&l.Outputs[i], 0)})
	}
	r.q.unknown = l.Open
	return r.q
}

// Table resolves a relation's name for query.BindStatement. It omits system relations.
func (r *reader) Table(rv *pgparse.RangeVar) query.Table {
	schema, name := pgparse.RangeName(rv)
	if IsSystemName(schema, name) && (schema != "" || r.f.Lookup("", name) == nil) {
		return nil
	}
	rel := r.f.requireRelationNamed(schema, name, Table, false)
	if rel == nil {
		return nil
	}
	if !slices.Contains(r.q.reads, rel.OID) {
		r.q.reads = append(r.q.reads, rel.OID)
	}
	return rel
}

// currentRelation returns the current relation of an entry of FROM; nil if there is none, or if
// its columns are renamed.
func (r *reader) currentRelation(s *query.Source) *Relation {
	if t, ok := s.Table.(*Relation); ok && !s.Renamed {
		return r.f.Relation(t.OID)
	}
	return nil
}

// readStatement reads a query; rows are visible in it beside what it names.
func (r *reader) readStatement(n *pgparse.Node, rows ...*query.Source) *query.Level {
	l := query.BindStatement(n, r, rows...)
	r.readLevels(l)
	return l
}

// readExpr reads an expression outside any query.
func (r *reader) readExpr(n *pgparse.Node, rows ...*query.Source) {
	if n != nil {
		r.readLevels(query.BindExpr(n, r, rows...))
	}
}

func (r *reader) readLevels(l *query.Level) {
	l.Walk(func(l *query.Level) bool {
		r.readNames(l)
		r.q.star = r.q.star || l.Natural
		for i := range l.Outputs {
			if o := &l.Outputs[i]; o.Expr == nil && o.Source != nil {
				r.addNamedColumn(o.Source, o.Column)
			}
		}
		return true
	})
}

// addNamedColumn notes a column that an entry of FROM is known to have, also under the name that its alias gives it.
func (r *reader) addNamedColumn(s *query.Source, name string) {
	if s.Renamed {
		if s, name = s.BaseColumn(name); s == nil {
			return
		}
	}
	if rel := r.currentRelation(s); rel != nil {
		if c := rel.Column(name); c != nil {
			r.addReadColumn(rel, c)
		}
	}
}

func (r *reader) addReadColumn(rel *Relation, c *Column) {
	if have := r.q.columns[rel.OID]; !slices.Contains(have, c.Attnum) {
		r.q.columns[rel.OID] = append(have, c.Attnum)
	}
}

// readNames reads the columns, functions and types of a level.
func (r *reader) readNames(l *query.Level) {
	for _, n := range l.Names {
		switch m := n.Node.(type) {
		case *pgparse.ColumnRef:
			if pgparse.EndsInStar(m) {
				r.q.star = true
			} else if rel, c, _ := r.resolveName(l, n); c != nil {
				r.addReadColumn(rel, c)
			}
		case *query.Using:
			for _, s := range l.Sources {
				r.addNamedColumn(s, m.Column)
			}
		case *pgparse.FuncCall:
			schema, name := pgparse.SchemaAndName(m.GetFuncname())
			if fn := r.f.Functions(schema, name); len(fn) > 0 && !slices.Contains(r.q.functions, fn[0].Name) {
				r.q.functions = append(r.q.functions, fn[0].Name)
			}
		case *pgparse.TypeName:
			if t := r.f.TypeOf(m); t.OID != 0 && !slices.Contains(r.q.types, t.OID) {
				r.q.types = append(r.q.types, t.OID)
			}
		}
	}
}

// resolveName returns the relation and column that a name means, or the column of a sub-query.
// If no entry is known to have the column, it must belong to the only unknown relation,
// or to the unknown relation with its alias.
func (r *reader) resolveName(l *query.Level, n query.Name) (*Relation, *Column, *query.Output) {
	meanings := l.Resolve(n)
	for _, m := range meanings {
		if m.Known && m.Column != "" {
			if rel := r.currentRelation(m.Source); rel != nil {
				return rel, rel.Column(m.Column), nil
			}
			if s, column := m.Source.BaseColumn(m.Column); s != nil {
				if rel := r.currentRelation(s); rel != nil {
					return rel, rel.Column(column), nil
				}
			}
			return nil, nil, m.Source.Output(m.Column)
		}
	}
	qualified := len(n.Node.(*pgparse.ColumnRef).GetFields()) > 1
	for _, m := range meanings {
		rel := r.currentRelation(m.Source)
		if m.Known || rel == nil || !rel.HasUnknownColumns() || !qualified && len(m.Level.Sources) > 1 {
			continue
		}
		if c := rel.Column(m.Column); c != nil {
			return rel, c, nil
		}
		if c := r.f.inferColumn(rel.OID, m.Column); c != nil {
			r.learned = true
			return r.f.Relation(rel.OID), c, nil
		}
	}
	return nil, nil, nil
}

// outputType returns the type of a query's column if it is easy to determine.
func (r *reader) outputType(o *query.Output, depth int) Type {
	switch {
	case o == nil || depth > maxDepth:
		return Type{}
	case o.Expr != nil:
		return r.typeOf(o.Expr, o.Level, depth+1)
	case o.Source == nil:
		return Type{}
	}
	if rel := r.currentRelation(o.Source); rel != nil {
		if c := rel.Column(o.Column); c != nil {
			return c.Type
		}
		return Type{}
	}
	return r.outputType(o.Source.Output(o.Column), depth+1)
}

// typeOf returns the type of an expression if it is easy to determine.
func (r *reader) typeOf(n *pgparse.Node, l *query.Level, depth int) Type {
	switch m := pgparse.Unwrap(n).(type) {
	case *pgparse.ColumnRef:
		_, c, o := r.resolveName(l, l.NewName(m, query.Targets))
		if c != nil {
			return c.Type
		}
		return r.outputType(o, depth)
	case *pgparse.TypeCast:
		return r.f.TypeOf(m.GetTypeName())
	case *pgparse.FuncCall:
		switch name := pgparse.LastText(m.GetFuncname()); {
		case name == "count":
			return Type{Name: Name{"pg_catalog", "int8"}}
		case name == "now":
			return Type{Name: Name{"pg_catalog", "timestamptz"}}
		case (name == "max" || name == "min") && len(m.GetArgs()) == 1:
			t := r.typeOf(m.GetArgs()[0], l, depth)
			t.Mods = nil
			return t
		}
	case *pgparse.A_Expr:
		switch pgparse.LastText(m.GetName()) {
		case "=", "<>", "<", ">", "<=", ">=", "~~", "!~~", "~", "@>", "<@", "&&":
			if m.GetKind() != pgparse.A_Expr_Kind_AEXPR_NULLIF {
				return Type{Name: Name{"pg_catalog", "bool"}}
			}
		}
	case *pgparse.CollateClause:
		return r.typeOf(m.GetArg(), l, depth)
	case *pgparse.A_Const:
		return constantType(m)
	case *pgparse.BoolExpr, *pgparse.NullTest, *pgparse.BooleanTest:
		return Type{Name: Name{"pg_catalog", "bool"}}
	}
	return Type{}
}

// constantType is the type of a literal.
func constantType(c *pgparse.A_Const) Type {
	switch v := c.GetVal().(type) {
	case *pgparse.A_Const_Ival:
		return Type{Name: Name{"pg_catalog", "int4"}}
	case *pgparse.A_Const_Fval:
		if _, err := strconv.ParseInt(v.Fval.GetFval(), 0, 64); err == nil {
			return Type{Name: Name{"pg_catalog", "int8"}}
		}
		return Type{Name: Name{"pg_catalog", "numeric"}}
	case *pgparse.A_Const_Boolval:
		return Type{Name: Name{"pg_catalog", "bool"}}
	}
	return Type{Name: Name{"pg_catalog", "text"}}
}
