package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// level is what names mean at one level of a query.
type level struct {
	outer *level
	items []item
	// ctes are the queries of its WITH.
	ctes map[string]*item
	// names are those of the output, which ORDER BY and GROUP BY may use.
	names []string
	// merged says that a join makes one column of two, by USING or NATURAL.
	merged bool
}

// item is an entry of FROM.
type item struct {
	alias   string
	rel     *Relation
	columns []string // where it is no relation, or its columns go by other names
	// open says that it may have any column.
	open bool
}

// lacks reports whether it is certain that an entry has no such column.
func (k *checker) itemLacks(i *item, name string) bool {
	if slices.Contains(i.columns, name) || i.open || systemColumn(name) {
		return false
	}
	return i.rel == nil || k.lacks(i.rel, name)
}

// statement checks a query and gives its output; outer is the query that it
// stands in.
func (k *checker) statement(n *pgparse.Node, outer *level) *item {
	if k.problem != nil || k.depth > maxDepth {
		return &item{open: true}
	}
	k.depth++
	defer func() { k.depth-- }()
	switch s := pgparse.Unwrap(n).(type) {
	case *pgparse.SelectStmt:
		return k.query(s, outer)
	case *pgparse.InsertStmt:
		l := k.with(s.GetWithClause(), outer)
		return k.insert(s, l)
	case *pgparse.UpdateStmt:
		l := k.with(s.GetWithClause(), outer)
		t := k.target(s.GetRelation(), l)
		k.from(s.GetFromClause(), l)
		k.expr(s.GetWhereClause(), l)
		k.assign(t, s.GetTargetList(), l)
		return k.output(s.GetReturningClause().GetExprs(), returning(t, l))
	case *pgparse.DeleteStmt:
		l := k.with(s.GetWithClause(), outer)
		t := k.target(s.GetRelation(), l)
		k.from(s.GetUsingClause(), l)
		k.expr(s.GetWhereClause(), l)
		return k.output(s.GetReturningClause().GetExprs(), returning(t, l))
	case *pgparse.MergeStmt:
		l := k.with(s.GetWithClause(), outer)
		t := k.target(s.GetRelation(), l)
		k.from([]*pgparse.Node{s.GetSourceRelation()}, l)
		k.expr(s.GetJoinCondition(), l)
		for _, w := range s.GetMergeWhenClauses() {
			when := w.GetMergeWhenClause()
			k.expr(when.GetCondition(), l)
			k.exprs(when.GetValues(), l)
			k.assign(t, when.GetTargetList(), l)
		}
		return k.output(s.GetReturningClause().GetExprs(), returning(t, l))
	}
	return &item{open: true}
}

// returning is the level of a RETURNING: 18 has old and new there.
func returning(t *Relation, l *level) *level {
	return &level{outer: &level{items: []item{{alias: "old", rel: t, open: t == nil}, {alias: "new", rel: t, open: t == nil}}, outer: l}, items: l.items, merged: l.merged}
}

// target is the relation that a statement writes, as an entry of its level.
func (k *checker) target(rv *pgparse.RangeVar, l *level) *Relation {
	r := k.relation(rv)
	alias := rv.GetAlias().GetAliasname()
	if alias == "" {
		alias = clip(rv.GetRelname())
	}
	l.items = append(l.items, item{alias: alias, rel: r, open: r == nil})
	return r
}

// assign checks what UPDATE and its like set: the columns, and the values.
func (k *checker) assign(t *Relation, list []*pgparse.Node, l *level) {
	for _, n := range list {
		k.expr(n.GetResTarget().GetVal(), l)
	}
	if k.problem == nil {
		k.targets(t, list)
	}
	if k.problem == nil {
		k.set(t, list)
	}
}

func (k *checker) with(w *pgparse.WithClause, outer *level) *level {
	l := &level{outer: outer}
	if w == nil {
		return l
	}
	l.ctes = map[string]*item{}
	for _, n := range w.GetCtes() {
		c := n.GetCommonTableExpr()
		if w.GetRecursive() {
			for _, m := range w.GetCtes() { // it may read those behind it too
				if name := m.GetCommonTableExpr().GetCtename(); l.ctes[name] == nil {
					l.ctes[name] = &item{open: true}
				}
			}
		}
		out := k.statement(c.GetCtequery(), &level{outer: outer, ctes: l.ctes})
		out = &item{columns: under(out.columns, strs(c.GetAliascolnames())), open: out.open || c.GetSearchClause() != nil || c.GetCycleClause() != nil}
		l.ctes[c.GetCtename()] = out
	}
	return l
}

// under are columns that go by other names, as far as there are any.
func under(columns, names []string) []string {
	if len(names) == 0 {
		return columns
	}
	out := slices.Clone(columns)
	for i, n := range names {
		if i < len(out) {
			out[i] = n
		} else {
			out = append(out, n)
		}
	}
	return out
}

func (k *checker) query(s *pgparse.SelectStmt, outer *level) *item {
	if s == nil || k.problem != nil || k.depth > maxDepth {
		return &item{open: true}
	}
	k.depth++
	defer func() { k.depth-- }()
	l := k.with(s.GetWithClause(), outer)
	if s.GetLarg() != nil {
		out := k.query(s.GetLarg(), l)
		k.query(s.GetRarg(), l)
		return out
	}
	if rows := s.GetValuesLists(); len(rows) > 0 {
		out := &item{}
		for i, row := range rows {
			list := items(row)
			for j, e := range list {
				k.expr(e, l)
				if i == 0 {
					out.columns = append(out.columns, "column"+itoa(j+1))
					out.open = out.open || pgparse.Expands(e)
				}
			}
		}
		return out
	}
	k.from(s.GetFromClause(), l)
	out := k.output(s.GetTargetList(), l)
	k.expr(s.GetWhereClause(), l)
	l.names = out.columns
	k.expr(s.GetHavingClause(), l)
	for _, list := range [][]*pgparse.Node{s.GetGroupClause(), s.GetSortClause(), s.GetDistinctClause(), s.GetWindowClause()} {
		k.exprs(list, l)
	}
	k.expr(s.GetLimitCount(), l)
	k.expr(s.GetLimitOffset(), l)
	return out
}

// output checks a list of targets and gives what they are called.
func (k *checker) output(list []*pgparse.Node, l *level) *item {
	out := &item{}
	for _, n := range list {
		t := n.GetResTarget()
		val := t.GetVal()
		if pgparse.Expands(val) {
			k.star(val.GetColumnRef(), l, out)
			continue
		}
		k.expr(val, l)
		name := t.GetName()
		if name == "" {
			if name = query.Figure(val); name == "" {
				name = "?column?"
			}
		}
		out.columns = append(out.columns, clip(name))
	}
	return out
}

// star adds the columns that a * stands for.
func (k *checker) star(ref *pgparse.ColumnRef, l *level, out *item) {
	fields := strs(ref.GetFields())
	if len(fields) == 0 || len(fields) > 2 || l.merged {
		out.open = true
		return
	}
	found := false
	for i := range l.items {
		it := &l.items[i]
		if len(fields) == 2 && it.alias != fields[0] {
			continue
		}
		found = true
		switch {
		case it.open:
			out.open = true
		case it.rel != nil && len(it.columns) == 0:
			out.open = out.open || !k.whole(it.rel)
			for _, c := range it.rel.Columns {
				out.columns = append(out.columns, c.Name)
			}
		default:
			out.columns = append(out.columns, it.columns...)
		}
	}
	out.open = out.open || !found
}

func (k *checker) from(list []*pgparse.Node, l *level) {
	for _, n := range list {
		k.fromItem(n, l)
	}
}

func (k *checker) fromItem(n *pgparse.Node, l *level) {
	if k.depth > maxDepth || k.problem != nil {
		return
	}
	k.depth++
	defer func() { k.depth-- }()
	switch e := pgparse.Unwrap(n).(type) {
	case *pgparse.RangeVar:
		l.items = append(l.items, k.table(e, l))
	case *pgparse.JoinExpr:
		k.fromItem(e.GetLarg(), l)
		k.fromItem(e.GetRarg(), l)
		l.merged = l.merged || e.GetIsNatural() || len(e.GetUsingClause()) > 0
		k.expr(e.GetQuals(), l)
		if e.GetAlias() != nil || e.GetJoinUsingAlias() != nil {
			l.items = append(l.items, item{open: true})
		}
	case *pgparse.RangeSubselect:
		out := k.statement(e.GetSubquery(), &level{outer: l})
		l.items = append(l.items, item{
			alias: e.GetAlias().GetAliasname(), columns: under(out.columns, strs(e.GetAlias().GetColnames())), open: out.open,
		})
	case *pgparse.RangeTableSample:
		k.fromItem(e.GetRelation(), l)
	default:
		// A function: what it gives is not known.
		l.items = append(l.items, item{open: true})
		k.expr(n, l)
	}
}

// table is an entry of FROM that names a relation or a WITH query.
func (k *checker) table(rv *pgparse.RangeVar, l *level) item {
	schema, name := rangeName(rv)
	out := item{alias: name}
	if a := rv.GetAlias().GetAliasname(); a != "" {
		out.alias = a
	}
	names := strs(rv.GetAlias().GetColnames())
	if schema == "" {
		for s := l; s != nil; s = s.outer {
			if c := s.ctes[name]; c != nil {
				out.columns, out.open = under(c.columns, names), c.open
				return out
			}
		}
	}
	out.rel = k.relation(rv)
	switch {
	case out.rel == nil, !out.rel.Kind.IsTable() && out.rel.Kind != View && out.rel.Kind != MaterializedView:
		out.rel, out.open = nil, true
	case len(names) > 0:
		out.open = !k.whole(out.rel)
		for _, c := range out.rel.Columns {
			out.columns = append(out.columns, c.Name)
		}
		out.columns, out.rel = under(out.columns, names), nil
	}
	return out
}

func (k *checker) exprs(list []*pgparse.Node, l *level) {
	for _, n := range list {
		k.expr(n, l)
	}
}

// expr checks the columns and sub-queries of an expression.
func (k *checker) expr(n *pgparse.Node, l *level) {
	if n == nil || k.problem != nil || n.GetAConst() != nil {
		return
	}
	pgparse.Walk(n, func(msg any) bool {
		if k.problem != nil {
			return false
		}
		switch m := msg.(type) {
		case *pgparse.ColumnRef:
			k.column(m, l)
		case *pgparse.FuncCall:
			k.call(m)
		case *pgparse.SubLink:
			k.expr(m.GetTestexpr(), l)
			k.statement(m.GetSubselect(), &level{outer: l})
			return false
		case *pgparse.SelectStmt:
			k.query(m, &level{outer: l})
			return false
		case *pgparse.RangeVar:
			return false
		}
		return true
	})
}

// column checks a name: no entry of FROM around it has such a column, and it
// is none of the other things that a name may be.
func (k *checker) column(ref *pgparse.ColumnRef, l *level) {
	if k.block || pgparse.EndsInStar(ref) {
		return
	}
	fields := strs(ref.GetFields())
	switch len(fields) {
	case 1:
		name := clip(fields[0])
		for s := l; s != nil; s = s.outer {
			if slices.Contains(s.names, name) {
				return
			}
			for i := range s.items {
				if it := &s.items[i]; it.alias == name || !k.itemLacks(it, name) {
					return // a whole row, or a column
				}
			}
		}
		if !systemColumn(name) {
			k.fail("42703", missingAnywhere, name)
		}
	case 2:
		alias, name := clip(fields[0]), clip(fields[1])
		for s := l; s != nil; s = s.outer {
			for i := range s.items {
				it := &s.items[i]
				if it.alias == "" && it.open || it.alias == alias && !k.itemLacks(it, name) {
					return
				}
				if it.alias == alias {
					if !builtin.TakesRow(name) && !k.mayCall(name) {
						k.fail("42703", "column %s.%s does not exist", alias, name)
					}
					return
				}
			}
		}
	}
}

// call checks the name of a function: it was dropped, and did not come back.
func (k *checker) call(f *pgparse.FuncCall) {
	schema, name := schemaAndName(f.GetFuncname())
	if schema == "" && !k.plainPath() || builtin.Known(name) || systemSchema(schema) || len(k.c.Functions(schema, name)) > 0 {
		return
	}
	if _, gone := k.c.gone.get(objectKey{"function", k.c.nameFor(schema, name)}); gone {
		k.fail("42883", "function %s() does not exist", displayName(schema, name))
	}
}

// mayCall reports whether t.name may be a call of a function with the row.
func (k *checker) mayCall(name string) bool {
	found := false
	k.c.EachFunction(func(f *Function) bool {
		found = f.Name.Name == name
		return !found
	})
	return found
}
