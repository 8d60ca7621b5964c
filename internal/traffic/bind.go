package traffic

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
	"github.com/onward-sql/onward/internal/workload"
)

// param is a parameter of a recorded query.
type param struct {
	// table is the table with the column that the parameter is compared with, or written
	// to; nil if the query does not show it.
	table  *relation
	column int
	array  bool // it is a list of values of the column
	// isNew: it is for a new row, in a column of a unique key.
	isNew bool
	// isLimit: it is the number of a LIMIT. isOffset: it is the number of an OFFSET.
	isLimit, isOffset bool
	// ownType is its own type.
	ownType column
}

// HasColumn, AllColumns and HasUnknownColumns implement the binder's interface for relations.
func (r *relation) HasColumn(name string) bool { return r.columnIndex(name) >= 0 }

func (r *relation) AllColumns() []string {
	var out []string
	for _, c := range r.columns {
		out = append(out, c.name)
	}
	return out
}

func (r *relation) HasUnknownColumns() bool { return false }

func (r *relation) columnIndex(name string) int {
	return slices.IndexFunc(r.columns, func(c column) bool { return c.name == name })
}

// scope resolves the relation names of a query.
type scope struct {
	known map[string]*relation // by name, schema-qualified
	// uses are the relations that the recording's server found for the names. path
	// are the schemas to search for other names.
	uses, path []string
}

func newScope(q *recordedQuery, known map[string]*relation) scope {
	s := scope{known: known}
	for _, u := range q.Uses {
		s.uses = append(s.uses, u.Relation)
	}
	s.path = workload.PathSchemas(q.SearchPath)
	if q.SearchPath == "" {
		s.path = append(s.path, "public")
	}
	return s
}

// candidateNames returns the possible meanings of a name, likeliest first.
func (s scope) candidateNames(schema, name string) []string {
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
	for _, c := range s.candidateNames(schema, name) {
		if r := s.known[c]; r != nil {
			return r
		}
	}
	return nil
}

// parameterBinder finds the columns that a query's parameters belong to.
type parameterBinder struct {
	levels  map[any]*query.Level
	columns map[*pgparse.ColumnRef]columnUse
	params  map[int]param
}

// columnUse is a reference to a column, and its query level.
type columnUse struct {
	level *query.Level
	name  query.Name
}

// bindParameters returns the columns that belong to a query's parameters.
func bindParameters(n *pgparse.Node, s scope) map[int]param {
	b := &parameterBinder{levels: map[any]*query.Level{}, columns: map[*pgparse.ColumnRef]columnUse{}, params: map[int]param{}}
	level := query.BindStatement(n, s)
	if level == nil {
		return nil
	}
	level.Walk(func(l *query.Level) bool {
		b.levels[l.Node] = l
		for _, name := range l.Names {
			if ref, ok := name.Node.(*pgparse.ColumnRef); ok {
				b.columns[ref] = columnUse{l, name}
			}
		}
		return true
	})
	pgparse.Walk(n, func(msg any) bool {
		switch x := msg.(type) {
		case *pgparse.A_Expr:
			b.readComparison(x)
		case *pgparse.InsertStmt:
			b.readInsert(x)
		case *pgparse.UpdateStmt:
			b.readAssignments(x, x.TargetList)
		case *pgparse.SelectStmt:
			b.readLimits(x)
		}
		return true
	})
	return b.params
}

// readLimits reads LIMIT and OFFSET.
func (b *parameterBinder) readLimits(s *pgparse.SelectStmt) {
	b.recordParams(listParams(s.LimitCount), param{isLimit: true})
	b.recordParams(listParams(s.LimitOffset), param{isOffset: true})
}

// recordParams keeps the first finding about each parameter.
func (b *parameterBinder) recordParams(list []int, p param) {
	for _, n := range list {
		if _, known := b.params[n]; !known {
			b.params[n] = p
		}
	}
}

// readComparison reads a comparison operator.
func (b *parameterBinder) readComparison(x *pgparse.A_Expr) {
	switch x.Kind {
	case pgparse.A_Expr_Kind_AEXPR_OP:
		if op := pgparse.LastText(x.Name); !slices.Contains([]string{"=", "<>", "!=", "<", ">", "<=", ">="}, op) {
			return
		}
	case pgparse.A_Expr_Kind_AEXPR_NULLIF:
		return
	}
	array := x.Kind == pgparse.A_Expr_Kind_AEXPR_OP_ANY || x.Kind == pgparse.A_Expr_Kind_AEXPR_OP_ALL
	left, right := listOperands(x.Lexpr), listOperands(x.Rexpr)
	for i, l := range left {
		for j, r := range right {
			if len(left) > 1 && len(left) == len(right) && i != j {
				continue // (a, b) = ($1, $2)
			}
			b.bindPair(l, r, array)
			b.bindPair(r, l, array)
		}
	}
}

// listOperands returns the values on one side of an operator: the elements of a row or a
// list, or the value itself.
func listOperands(n *pgparse.Node) []*pgparse.Node {
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

func (b *parameterBinder) bindPair(operand, other *pgparse.Node, array bool) {
	list := listParams(other)
	if len(list) == 0 {
		return
	}
	if r, i := b.resolveColumn(operand); r != nil {
		_, elements := pgparse.Unwrap(stripCasts(other)).(*pgparse.A_ArrayExpr)
		b.recordParams(list, param{table: r, column: i, array: array && !elements})
	}
}

// stripCasts returns an expression without casts.
func stripCasts(n *pgparse.Node) *pgparse.Node {
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

// listParams returns the parameters that an expression consists of: one, or the elements
// of an array.
func listParams(n *pgparse.Node) []int {
	switch x := pgparse.Unwrap(stripCasts(n)).(type) {
	case *pgparse.ParamRef:
		return []int{int(x.Number)}
	case *pgparse.A_ArrayExpr:
		var out []int
		for _, e := range x.Elements {
			out = append(out, listParams(e)...)
		}
		return out
	}
	return nil
}

// resolveColumn returns the column that an expression is, also in the form lower(email); nil
// for none.
func (b *parameterBinder) resolveColumn(n *pgparse.Node) (*relation, int) {
	switch x := pgparse.Unwrap(stripCasts(n)).(type) {
	case *pgparse.FuncCall:
		if len(x.Args) == 1 {
			return b.resolveColumn(x.Args[0])
		}
	case *pgparse.ColumnRef:
		use, ok := b.columns[x]
		if !ok {
			return nil, -1
		}
		m, _ := use.level.LikeliestMeaning(use.name)
		if m.Source == nil || m.Column == "" {
			return nil, -1
		}
		source, name := m.Source.BaseColumn(m.Column)
		if source == nil {
			return nil, -1
		}
		if r, ok := source.Table.(*relation); ok && r != nil {
			if i := r.columnIndex(name); i >= 0 {
				return r, i
			}
		}
	}
	return nil, -1
}

// targetTable returns the table that a statement writes to; nil if unknown.
func (b *parameterBinder) targetTable(node any) *relation {
	l := b.levels[node]
	if l == nil || l.Target == nil {
		return nil
	}
	r, _ := l.Target.Table.(*relation)
	return r
}

// readInsert reads the values of an INSERT.
func (b *parameterBinder) readInsert(x *pgparse.InsertStmt) {
	r := b.targetTable(x)
	if r == nil {
		return
	}
	columns := allIndexes(len(r.columns))
	if len(x.Cols) > 0 {
		columns = nil
		for _, c := range x.Cols {
			columns = append(columns, r.columnIndex(c.GetResTarget().GetName()))
		}
	}
	vary := columnsToVary(r, columns)
	give := func(i int, value *pgparse.Node) {
		if i < len(columns) && columns[i] >= 0 {
			b.recordParams(listParams(value), param{table: r, column: columns[i], isNew: vary[columns[i]]})
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
	b.readAssignments(x, x.GetOnConflictClause().GetTargetList())
}

// readAssignments reads the values of an UPDATE, or of ON CONFLICT DO UPDATE.
func (b *parameterBinder) readAssignments(stmt any, targets []*pgparse.Node) {
	r := b.targetTable(stmt)
	if r == nil {
		return
	}
	for _, t := range targets {
		if i := r.columnIndex(t.GetResTarget().GetName()); i >= 0 {
			b.recordParams(listParams(t.GetResTarget().GetVal()), param{table: r, column: i})
		}
	}
}
