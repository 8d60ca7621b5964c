package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// queryReads is what a query reads and gives.
type queryReads struct {
	reads     []OID
	columns   map[OID][]int16
	functions []Name
	types     []OID
	star      bool
	output    []outputColumn
	// unknown says that output may lack columns: * of something unknown.
	unknown bool
}

type outputColumn struct {
	name string
	typ  Type
}

// reader finds out what queries read: relations, columns as far as names tell,
// functions and types that the catalog holds. A relation that the catalog does
// not hold becomes an inferred one, with the columns that the queries name.
type reader struct {
	f *fold
	q *queryReads
	// learned says that a relation got a column that a name told of.
	learned bool
}

func (f *fold) reader() *reader {
	return &reader{f: f, q: &queryReads{columns: map[OID][]int16{}}}
}

// readQuery is what a query reads, and what it gives.
func (f *fold) readQuery(n *pgparse.Node) *queryReads {
	r := f.reader()
	l := r.statement(n)
	if l == nil { // EXECUTE of a prepared statement: nothing is known of it
		r.q.unknown = pgparse.Unwrap(n) != nil
		return r.q
	}
	if r.learned { // a star stands for what was learned, too
		l = query.Bind(n, r)
	}
	for i := range l.Outputs {
		r.q.output = append(r.q.output, outputColumn{l.Outputs[i].Name, r.outputType(&l.Outputs[i], 0)})
	}
	r.q.unknown = l.Open
	return r.q
}

// Table is what a name of a relation means, for query.Bind. The server's own are
// not told.
func (r *reader) Table(rv *pgparse.RangeVar) query.Table {
	schema, name := pgparse.RangeName(rv)
	if systemSchema(schema) || schema == "" && len(name) > 3 && name[:3] == "pg_" && r.f.Lookup("", name) == nil {
		return nil
	}
	rel := r.f.relationNamed(schema, name, Table, false)
	if rel == nil {
		return nil
	}
	if !slices.Contains(r.q.reads, rel.OID) {
		r.q.reads = append(r.q.reads, rel.OID)
	}
	return rel
}

// relation is the relation behind an entry of FROM as it is now; nil where there
// is none, or where its columns go by other names.
func (r *reader) relation(s *query.Source) *Relation {
	if t, ok := s.Table.(*Relation); ok && !s.Renamed {
		return r.f.Relation(t.OID)
	}
	return nil
}

// statement reads a query; rows are visible in it beside what it names.
func (r *reader) statement(n *pgparse.Node, rows ...*query.Source) *query.Level {
	l := query.Bind(n, r, rows...)
	r.levels(l)
	return l
}

// expr reads an expression that stands in no query.
func (r *reader) expr(n *pgparse.Node, rows ...*query.Source) {
	if n != nil {
		r.levels(query.BindExpr(n, r, rows...))
	}
}

func (r *reader) levels(l *query.Level) {
	l.Walk(func(l *query.Level) bool {
		for _, s := range l.Sources {
			if t, ok := s.Table.(*Relation); ok && s.Renamed {
				r.all(t)
			}
		}
		r.names(l)
		r.q.star = r.q.star || l.Natural
		for i := range l.Outputs {
			if o := &l.Outputs[i]; o.Expr == nil && o.Source != nil {
				r.named(o.Source, o.Column)
			}
		}
		return true
	})
}

func (r *reader) all(t *Relation) {
	for _, c := range t.Columns {
		r.column(t, c)
	}
}

// named notes a column that an entry of FROM is known to have.
func (r *reader) named(s *query.Source, name string) {
	if rel := r.relation(s); rel != nil {
		if c := rel.Column(name); c != nil {
			r.column(rel, c)
		}
	}
}

func (r *reader) column(rel *Relation, c *Column) {
	if have := r.q.columns[rel.OID]; !slices.Contains(have, c.Attnum) {
		r.q.columns[rel.OID] = append(have, c.Attnum)
	}
}

// names reads the columns, functions and types of a level.
func (r *reader) names(l *query.Level) {
	for _, n := range l.Names {
		switch m := n.Node.(type) {
		case *pgparse.ColumnRef:
			if pgparse.EndsInStar(m) {
				r.q.star = true
			} else if rel, c, _ := r.find(l, n); c != nil {
				r.column(rel, c)
			}
		case *query.Using:
			for _, s := range l.Sources {
				r.named(s, m.Column)
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

// find gives the relation and column that a name means, or the column of a
// sub-query. Where no entry is known to have it, that of the one unknown relation,
// or of the one with its alias, must be there.
func (r *reader) find(l *query.Level, n query.Name) (*Relation, *Column, *query.Output) {
	may := l.Resolve(n)
	for _, m := range may {
		if m.Known && m.Column != "" {
			if rel := r.relation(m.Source); rel != nil {
				return rel, rel.Column(m.Column), nil
			}
			if s, column := m.Source.Base(m.Column); s != nil {
				if rel := r.relation(s); rel != nil {
					return rel, rel.Column(column), nil
				}
			}
			return nil, nil, m.Source.Output(m.Column)
		}
	}
	qualified := len(n.Node.(*pgparse.ColumnRef).GetFields()) > 1
	for _, m := range may {
		rel := r.relation(m.Source)
		if m.Known || rel == nil || !rel.Open() || !qualified && len(m.Level.Sources) > 1 {
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

// outputType is the type of a column that a query gives, where it is plain to see.
func (r *reader) outputType(o *query.Output, depth int) Type {
	switch {
	case o == nil || depth > maxDepth:
		return Type{}
	case o.Expr != nil:
		return r.typeOf(o.Expr, o.Level, depth+1)
	case o.Source == nil:
		return Type{}
	}
	if rel := r.relation(o.Source); rel != nil {
		if c := rel.Column(o.Column); c != nil {
			return c.Type
		}
		return Type{}
	}
	return r.outputType(o.Source.Output(o.Column), depth+1)
}

// typeOf is the type of an expression, where it is plain to see.
func (r *reader) typeOf(n *pgparse.Node, l *query.Level, depth int) Type {
	switch m := pgparse.Unwrap(n).(type) {
	case *pgparse.ColumnRef:
		_, c, o := r.find(l, l.Ref(m, query.Targets))
		if c != nil {
			return c.Type
		}
		return r.outputType(o, depth)
	case *pgparse.TypeCast:
		return r.f.TypeOf(m.GetTypeName())
	case *pgparse.FuncCall:
		switch name := pgparse.Last(m.GetFuncname()); {
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
		switch pgparse.Last(m.GetName()) {
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
	switch c.GetVal().(type) {
	case *pgparse.A_Const_Ival:
		return Type{Name: Name{"pg_catalog", "int4"}}
	case *pgparse.A_Const_Fval:
		return Type{Name: Name{"pg_catalog", "numeric"}}
	case *pgparse.A_Const_Boolval:
		return Type{Name: Name{"pg_catalog", "bool"}}
	}
	return Type{Name: Name{"pg_catalog", "text"}}
}
