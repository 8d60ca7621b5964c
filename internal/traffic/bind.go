package traffic

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// param is a parameter of a recorded query.
type param struct {
	// of is the table with the column that it is compared with, or written to; nil where
	// the query does not say.
	of     *relation
	column int
	array  bool // it is a list of values of the column
	// fresh: it is for a new row, in a column of a unique key.
	fresh bool
	// most: it is how many rows to give, skip: how many to pass over.
	most, skip bool
	// as is its own type.
	as column
}

// HasColumn, AllColumns and Open make a relation one for the binder.
func (r *relation) HasColumn(name string) bool { return r.numbered(name) >= 0 }

func (r *relation) AllColumns() []string {
	var out []string
	for _, c := range r.columns {
		out = append(out, c.name)
	}
	return out
}

func (r *relation) Open() bool { return false }

func (r *relation) numbered(name string) int {
	return slices.IndexFunc(r.columns, func(c column) bool { return c.name == name })
}

// scope finds the relations that the names in a query mean.
type scope struct {
	known map[string]*relation // by name, schema-qualified
	// uses are what the recording's server made of the names; path are the schemas to
	// look into for what it says nothing of.
	uses, path []string
}

func scopeOf(q *recorded, known map[string]*relation) scope {
	s := scope{known: known}
	for _, u := range q.Uses {
		s.uses = append(s.uses, u.Relation)
	}
	for name := range strings.SplitSeq(q.SearchPath, ",") {
		if name = strings.Trim(strings.TrimSpace(name), `"`); name != "" && name != "$user" {
			s.path = append(s.path, name)
		}
	}
	if q.SearchPath == "" {
		s.path = append(s.path, "public")
	}
	return s
}

// candidates are what a name may mean, likeliest first.
func (s scope) candidates(schema, name string) []string {
	if schema != "" {
		return []string{schema + "." + name}
	}
	var out []string
	for _, u := range s.uses {
		if strings.HasSuffix(u, "."+name) {
			out = append(out, u)
		}
	}
	for _, p := range s.path {
		out = append(out, p+"."+name)
	}
	return out
}

// Table finds a relation by its name in the query.
func (s scope) Table(rv *pgparse.RangeVar) query.Table {
	schema, name := pgparse.RangeName(rv)
	for _, c := range s.candidates(schema, name) {
		if r := s.known[c]; r != nil {
			return r
		}
	}
	return nil
}

// binding finds what a query's parameters are for.
type binding struct {
	levels  map[any]*query.Level
	columns map[*pgparse.ColumnRef]place
	params  map[int]param
}

// place is a reference to a column, and the level that it stands in.
type place struct {
	level *query.Level
	name  query.Name
}

// bind tells for the parameters of a query which columns they go with.
func bind(n *pgparse.Node, s scope) map[int]param {
	b := &binding{levels: map[any]*query.Level{}, columns: map[*pgparse.ColumnRef]place{}, params: map[int]param{}}
	level := query.Bind(n, s)
	if level == nil {
		return nil
	}
	level.Walk(func(l *query.Level) bool {
		b.levels[l.Node] = l
		for _, name := range l.Names {
			if ref, ok := name.Node.(*pgparse.ColumnRef); ok {
				b.columns[ref] = place{l, name}
			}
		}
		return true
	})
	pgparse.Walk(n, func(msg any) bool {
		switch x := msg.(type) {
		case *pgparse.A_Expr:
			b.compared(x)
		case *pgparse.InsertStmt:
			b.inserted(x)
		case *pgparse.UpdateStmt:
			b.set(x, x.TargetList)
		case *pgparse.SelectStmt:
			b.bounds(x)
		}
		return true
	})
	return b.params
}

// bounds are LIMIT and OFFSET.
func (b *binding) bounds(s *pgparse.SelectStmt) {
	b.note(numbers(s.LimitCount), param{most: true})
	b.note(numbers(s.LimitOffset), param{skip: true})
}

// note keeps what was found of some parameters first.
func (b *binding) note(list []int, p param) {
	for _, n := range list {
		if _, known := b.params[n]; !known {
			b.params[n] = p
		}
	}
}

// compared looks at an operator that compares.
func (b *binding) compared(x *pgparse.A_Expr) {
	switch x.Kind {
	case pgparse.A_Expr_Kind_AEXPR_OP:
		if op := pgparse.Last(x.Name); !slices.Contains([]string{"=", "<>", "!=", "<", ">", "<=", ">="}, op) {
			return
		}
	case pgparse.A_Expr_Kind_AEXPR_NULLIF:
		return
	}
	array := x.Kind == pgparse.A_Expr_Kind_AEXPR_OP_ANY || x.Kind == pgparse.A_Expr_Kind_AEXPR_OP_ALL
	left, right := sides(x.Lexpr), sides(x.Rexpr)
	for i, l := range left {
		for j, r := range right {
			if len(left) > 1 && len(left) == len(right) && i != j {
				continue // (a, b) = ($1, $2)
			}
			b.pair(l, r, array)
			b.pair(r, l, array)
		}
	}
}

// sides are the values on one side of an operator: those of a row or a list.
func sides(n *pgparse.Node) []*pgparse.Node {
	switch x := pgparse.Unwrap(n).(type) {
	case nil:
		return nil
	case *pgparse.List:
		return x.Items
	case *pgparse.RowExpr:
		return x.Args
	}
	return []*pgparse.Node{n}
}

func (b *binding) pair(of, with *pgparse.Node, array bool) {
	list := numbers(with)
	if len(list) == 0 {
		return
	}
	if r, i := b.column(of); r != nil {
		_, elements := pgparse.Unwrap(bare(with)).(*pgparse.A_ArrayExpr)
		b.note(list, param{of: r, column: i, array: array && !elements})
	}
}

// bare is an expression without casts.
func bare(n *pgparse.Node) *pgparse.Node {
	for {
		switch x := pgparse.Unwrap(n).(type) {
		case *pgparse.TypeCast:
			n = x.Arg
		case *pgparse.CollateClause:
			n = x.Arg
		default:
			return n
		}
	}
}

// numbers are the parameters that an expression is: one, or those of an array.
func numbers(n *pgparse.Node) []int {
	switch x := pgparse.Unwrap(bare(n)).(type) {
	case *pgparse.ParamRef:
		return []int{int(x.Number)}
	case *pgparse.A_ArrayExpr:
		var out []int
		for _, e := range x.Elements {
			out = append(out, numbers(e)...)
		}
		return out
	}
	return nil
}

// column is the one that an expression is, also as lower(email); nil for none.
func (b *binding) column(n *pgparse.Node) (*relation, int) {
	switch x := pgparse.Unwrap(bare(n)).(type) {
	case *pgparse.FuncCall:
		if len(x.Args) == 1 {
			return b.column(x.Args[0])
		}
	case *pgparse.ColumnRef:
		at, ok := b.columns[x]
		if !ok {
			return nil, -1
		}
		m, _ := at.level.Means(at.name)
		if m.Source == nil || m.Column == "" {
			return nil, -1
		}
		source, name := m.Source.Base(m.Column)
		if source == nil {
			return nil, -1
		}
		if r, ok := source.Table.(*relation); ok && r != nil {
			if i := r.numbered(name); i >= 0 {
				return r, i
			}
		}
	}
	return nil, -1
}

// target is the table that a statement writes to; nil where it is not known.
func (b *binding) target(node any) *relation {
	l := b.levels[node]
	if l == nil || l.Target == nil {
		return nil
	}
	r, _ := l.Target.Table.(*relation)
	return r
}

// inserted looks at what an INSERT gives.
func (b *binding) inserted(x *pgparse.InsertStmt) {
	r := b.target(x)
	if r == nil {
		return
	}
	columns := every(len(r.columns))
	if len(x.Cols) > 0 {
		columns = nil
		for _, c := range x.Cols {
			columns = append(columns, r.numbered(c.GetResTarget().GetName()))
		}
	}
	vary := varied(r, columns)
	give := func(i int, value *pgparse.Node) {
		if i < len(columns) && columns[i] >= 0 {
			b.note(numbers(value), param{of: r, column: columns[i], fresh: vary[columns[i]]})
		}
	}
	from := x.GetSelectStmt().GetSelectStmt()
	for _, row := range from.GetValuesLists() {
		for i, value := range row.GetList().GetItems() {
			give(i, value)
		}
	}
	for i, target := range from.GetTargetList() {
		give(i, target.GetResTarget().GetVal())
	}
	b.set(x, x.GetOnConflictClause().GetTargetList())
}

// set looks at what an UPDATE, or the one of ON CONFLICT, sets.
func (b *binding) set(stmt any, targets []*pgparse.Node) {
	r := b.target(stmt)
	if r == nil {
		return
	}
	for _, t := range targets {
		if i := r.numbered(t.GetResTarget().GetName()); i >= 0 {
			b.note(numbers(t.GetResTarget().GetVal()), param{of: r, column: i})
		}
	}
}
