package effect

import (
	"cmp"
	"strconv"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// interval is what a condition says about one column: at least low, below (or,
// with closed, at most) high. Unset ends are open.
type interval struct {
	low, high       *bound
	closed, notNull bool
}

type bound struct {
	number  float64
	text    string
	numeric bool
}

func (b *bound) compare(o *bound) (int, bool) {
	if b.numeric != o.numeric {
		return 0, false
	}
	if b.numeric {
		return cmp.Compare(b.number, o.number), true
	}
	return cmp.Compare(b.text, o.text), true
}

// constant reads a literal, with a sign or a cast.
func constant(n *pgparse.Node) *bound {
	switch m := pgparse.Unwrap(n).(type) {
	case *pgparse.TypeCast:
		return constant(m.GetArg())
	case *pgparse.A_Expr:
		if m.GetLexpr() == nil && len(m.GetName()) == 1 && text(m.GetName()[0]) == "-" {
			if b := constant(m.GetRexpr()); b != nil && b.numeric {
				return &bound{number: -b.number, numeric: true}
			}
		}
	case *pgparse.PartitionRangeDatum:
		return constant(m.GetValue())
	case *pgparse.A_Const:
		switch v := m.GetVal().(type) {
		case *pgparse.A_Const_Ival:
			return &bound{number: float64(v.Ival.GetIval()), numeric: true}
		case *pgparse.A_Const_Fval:
			if f, err := strconv.ParseFloat(v.Fval.GetFval(), 64); err == nil {
				return &bound{number: f, numeric: true}
			}
		case *pgparse.A_Const_Sval:
			return &bound{text: v.Sval.GetSval()}
		}
	}
	return nil
}

// partitionInterval is the range of a partition by one column; ok is false for
// every other partitioning.
func partitionInterval(parent *catalog.Relation, spec *pgparse.PartitionBoundSpec) (column string, in interval, ok bool) {
	if len(parent.PartitionKey) != 1 || parent.PartitionKey[0].Column == 0 || spec.GetIsDefault() {
		return "", in, false
	}
	col := parent.Attr(parent.PartitionKey[0].Column)
	if col == nil || len(spec.GetLowerdatums()) != 1 || len(spec.GetUpperdatums()) != 1 {
		return "", in, false
	}
	in.low, in.high = constant(spec.GetLowerdatums()[0]), constant(spec.GetUpperdatums()[0])
	if in.low == nil && !unbounded(spec.GetLowerdatums()[0], "minvalue") || in.high == nil && !unbounded(spec.GetUpperdatums()[0], "maxvalue") {
		return "", in, false
	}
	return col.Name, in, true
}

// unbounded recognises MINVALUE and MAXVALUE.
func unbounded(n *pgparse.Node, word string) bool {
	switch m := pgparse.Unwrap(n).(type) {
	case *pgparse.ColumnRef:
		return len(m.GetFields()) == 1 && text(m.GetFields()[0]) == word
	case *pgparse.PartitionRangeDatum:
		return m.GetValue() == nil
	}
	return false
}

// implied reports whether the constraints of a table prove that its rows are
// within the bounds, so that the server does not look at them.
func (a *alter) implied(part *catalog.Relation, spec *pgparse.PartitionBoundSpec) bool {
	if spec.GetIsDefault() {
		return a.impliedDefault(part)
	}
	column, want, ok := partitionInterval(a.rel, spec)
	if !ok {
		return a.impliedList(part, spec)
	}
	have := known(part, column)
	if !have.notNull || want.low != nil && have.low == nil || want.high != nil && have.high == nil {
		return false
	}
	if want.low != nil {
		if c, ok := have.low.compare(want.low); !ok || c < 0 {
			return false
		}
	}
	if want.high != nil {
		c, ok := have.high.compare(want.high)
		if !ok || c > 0 || c == 0 && have.closed {
			return false
		}
	}
	return true
}

// impliedList is implied for a partition by list.
func (a *alter) impliedList(part *catalog.Relation, spec *pgparse.PartitionBoundSpec) bool {
	if len(spec.GetListdatums()) == 0 || len(a.rel.PartitionKey) != 1 {
		return false
	}
	col := a.rel.Attr(a.rel.PartitionKey[0].Column)
	if col == nil {
		return false
	}
	var want []*bound
	for _, n := range spec.GetListdatums() {
		b := constant(n)
		if b == nil {
			return false
		}
		want = append(want, b)
	}
	if !known(part, col.Name).notNull {
		return false
	}
	for _, con := range part.Constraints {
		if con.Kind != catalog.Check || !con.Valid {
			continue
		}
		for _, cond := range conjuncts(con.Expr) {
			if within(values(cond, col.Name), want) {
				return true
			}
		}
	}
	return false
}

// impliedDefault reports whether the constraints of a table prove that none of
// its rows belongs to a partition that exists.
func (a *alter) impliedDefault(part *catalog.Relation) bool {
	if len(a.rel.PartitionKey) != 1 {
		return false
	}
	col := a.rel.Attr(a.rel.PartitionKey[0].Column)
	if col == nil {
		return false
	}
	for _, p := range a.rels(a.rel.Partitions) {
		spec := boundOf(p)
		if spec == nil {
			return false
		}
		if len(spec.GetListdatums()) == 0 {
			if !a.excluded(part, a.rel, spec) {
				return false
			}
			continue
		}
		if !a.excludesValues(part, col.Name, spec.GetListdatums()) {
			return false
		}
	}
	return true
}

// excludesValues reports whether a CHECK restricts a column to other values.
func (a *alter) excludesValues(part *catalog.Relation, column string, datums []*pgparse.Node) bool {
	for _, con := range part.Constraints {
		if con.Kind != catalog.Check || !con.Valid {
			continue
		}
		for _, cond := range conjuncts(con.Expr) {
			have := values(cond, column)
			clear := len(have) > 0
			for _, d := range datums {
				b := constant(d)
				for _, h := range have {
					if b == nil {
						clear = false
					} else if c, ok := h.compare(b); !ok || c == 0 {
						clear = false
					}
				}
			}
			if clear {
				return true
			}
		}
	}
	return false
}

// boundOf reads the bounds of a partition.
func boundOf(p *catalog.Relation) *pgparse.PartitionBoundSpec {
	if p.Bound == "" {
		return nil
	}
	f, err := pgparse.Split("ALTER TABLE a ATTACH PARTITION b " + p.Bound)
	if err != nil || len(f.Stmts) != 1 || f.Stmts[0].Node == nil {
		return nil
	}
	cmds := f.Stmts[0].Node.GetAlterTableStmt().GetCmds()
	if len(cmds) != 1 {
		return nil
	}
	return cmds[0].GetAlterTableCmd().GetDef().GetPartitionCmd().GetBound()
}

func within(have, want []*bound) bool {
	for _, h := range have {
		found := false
		for _, w := range want {
			if c, ok := h.compare(w); ok && c == 0 {
				found = true
			}
		}
		if !found {
			return false
		}
	}
	return len(have) > 0
}

// values are those that a condition "column = a", "column IN (a, b)" or
// "column = ANY (ARRAY[a, b])" allows.
func values(cond *pgparse.Node, column string) []*bound {
	e, ok := pgparse.Unwrap(cond).(*pgparse.A_Expr)
	if !ok || !isColumn(e.GetLexpr(), column) || operator(e) != "=" {
		return nil
	}
	list := e.GetRexpr().GetList().GetItems()
	switch e.GetKind() {
	case pgparse.A_Expr_Kind_AEXPR_OP:
		list = []*pgparse.Node{e.GetRexpr()}
	case pgparse.A_Expr_Kind_AEXPR_OP_ANY:
		list = e.GetRexpr().GetAArrayExpr().GetElements()
	}
	var out []*bound
	for _, n := range list {
		b := constant(n)
		if b == nil {
			return nil
		}
		out = append(out, b)
	}
	return out
}

// known is what the valid constraints of a table say about a column.
func known(rel *catalog.Relation, column string) interval {
	var in interval
	if col := rel.Column(column); col != nil {
		in.notNull = col.NotNull && !col.NotNullInvalid
	}
	for _, con := range rel.Constraints {
		if con.Kind != catalog.Check || !con.Valid {
			continue
		}
		in.notNull = in.notNull || catalog.ProvesNotNull(con.Expr, column)
		for _, cond := range conjuncts(con.Expr) {
			in.narrow(cond, column)
		}
	}
	return in
}

// conjuncts are the conditions that all hold when an expression does.
func conjuncts(expr *pgparse.Node) []*pgparse.Node {
	if b, ok := pgparse.Unwrap(expr).(*pgparse.BoolExpr); ok && b.GetBoolop() == pgparse.BoolExprType_AND_EXPR {
		var out []*pgparse.Node
		for _, a := range b.GetArgs() {
			out = append(out, conjuncts(a)...)
		}
		return out
	}
	return []*pgparse.Node{expr}
}

func operator(e *pgparse.A_Expr) string { return lastName(e.GetName()) }

func isColumn(n *pgparse.Node, name string) bool {
	f := n.GetColumnRef().GetFields()
	return len(f) > 0 && text(f[len(f)-1]) == name
}

// narrow takes one comparison into account.
func (in *interval) narrow(cond *pgparse.Node, column string) {
	e, ok := pgparse.Unwrap(cond).(*pgparse.A_Expr)
	if !ok {
		return
	}
	switch e.GetKind() {
	case pgparse.A_Expr_Kind_AEXPR_BETWEEN:
		if ends := e.GetRexpr().GetList().GetItems(); isColumn(e.GetLexpr(), column) && len(ends) == 2 {
			in.above(constant(ends[0]))
			in.under(constant(ends[1]), true)
		}
	case pgparse.A_Expr_Kind_AEXPR_OP:
		op, value := operator(e), e.GetRexpr()
		if isColumn(e.GetRexpr(), column) {
			value = e.GetLexpr()
			op = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}[op]
		} else if !isColumn(e.GetLexpr(), column) {
			return
		}
		switch op {
		case ">=", ">":
			in.above(constant(value))
		case "<":
			in.under(constant(value), false)
		case "<=":
			in.under(constant(value), true)
		case "=":
			in.above(constant(value))
			in.under(constant(value), true)
		}
	}
}

func (in *interval) above(b *bound) {
	if b == nil {
		return
	}
	if in.low == nil {
		in.low = b
	} else if c, ok := b.compare(in.low); ok && c > 0 {
		in.low = b
	}
}

func (in *interval) under(b *bound, closed bool) {
	if b == nil {
		return
	}
	if in.high != nil {
		if c, ok := b.compare(in.high); !ok || c > 0 || c == 0 && closed {
			return
		}
	}
	in.high, in.closed = b, closed
}
