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

// source is an entry of FROM: a relation, or a query with known columns.
type source struct {
	alias   string
	oid     OID
	columns []outputColumn // of a sub-query or function
	unknown bool           // there may be more columns
}

// scope is what names mean at one level of a query.
type scope struct {
	outer   *scope
	sources []source
	ctes    map[string]*queryReads
	// merged says that a join makes one column of two, by USING or NATURAL.
	merged bool
}

// reader goes through a query.
type reader struct {
	f     *fold
	q     *queryReads
	depth int
}

// readQuery finds out what a query reads: relations, columns as far as names
// tell, functions and types that the catalog holds; and its output.
func (f *fold) readQuery(n *pgparse.Node) *queryReads {
	r := &reader{f: f, q: &queryReads{columns: map[OID][]int16{}}}
	out := r.statement(n, nil)
	r.q.output, r.q.unknown = out.output, out.unknown
	return r.q
}

// statement reads one query and gives its output columns.
func (r *reader) statement(n *pgparse.Node, outer *scope) *queryReads {
	switch s := pgparse.Unwrap(n).(type) {
	case *pgparse.SelectStmt:
		return r.selectStmt(s, outer)
	case *pgparse.InsertStmt:
		sc := r.with(s.GetWithClause(), outer)
		sc.sources = append(sc.sources, r.table(s.GetRelation(), sc))
		r.statement(s.GetSelectStmt(), sc)
		return r.targets(s.GetReturningClause().GetExprs(), sc)
	case *pgparse.UpdateStmt:
		sc := r.with(s.GetWithClause(), outer)
		sc.sources = append(sc.sources, r.table(s.GetRelation(), sc))
		r.from(s.GetFromClause(), sc)
		r.exprs(s.GetTargetList(), sc)
		r.expr(s.GetWhereClause(), sc)
		return r.targets(s.GetReturningClause().GetExprs(), sc)
	case *pgparse.DeleteStmt:
		sc := r.with(s.GetWithClause(), outer)
		sc.sources = append(sc.sources, r.table(s.GetRelation(), sc))
		r.from(s.GetUsingClause(), sc)
		r.expr(s.GetWhereClause(), sc)
		return r.targets(s.GetReturningClause().GetExprs(), sc)
	case *pgparse.MergeStmt:
		sc := r.with(s.GetWithClause(), outer)
		sc.sources = append(sc.sources, r.table(s.GetRelation(), sc))
		r.from([]*pgparse.Node{s.GetSourceRelation()}, sc)
		r.expr(s.GetJoinCondition(), sc)
		return r.targets(s.GetReturningClause().GetExprs(), sc)
	case nil:
		return &queryReads{}
	}
	// EXECUTE of a prepared statement: nothing is known of it.
	return &queryReads{unknown: true}
}

func (r *reader) with(w *pgparse.WithClause, outer *scope) *scope {
	sc := &scope{outer: outer}
	if w == nil {
		return sc
	}
	sc.ctes = map[string]*queryReads{}
	for _, n := range w.GetCtes() {
		c := n.GetCommonTableExpr()
		names := strs(c.GetAliascolnames())
		if w.GetRecursive() {
			// The query may read itself: its columns are those of the
			// names, as far as there are any.
			self := &queryReads{unknown: len(names) == 0}
			for _, name := range names {
				self.output = append(self.output, outputColumn{name: name})
			}
			sc.ctes[c.GetCtename()] = self
		}
		sub := r.statement(c.GetCtequery(), sc)
		sc.ctes[c.GetCtename()] = &queryReads{output: renamed(sub.output, names), unknown: sub.unknown}
	}
	return sc
}

func renamed(columns []outputColumn, names []string) []outputColumn {
	if len(names) == 0 {
		return columns
	}
	out := slices.Clone(columns)
	for i, n := range names {
		if i < len(out) {
			out[i].name = n
		} else {
			out = append(out, outputColumn{name: n})
		}
	}
	return out
}

func (r *reader) selectStmt(s *pgparse.SelectStmt, outer *scope) *queryReads {
	if s == nil || r.depth > maxDepth {
		return &queryReads{unknown: true}
	}
	r.depth++
	defer func() { r.depth-- }()
	sc := r.with(s.GetWithClause(), outer)
	if s.GetOp() != pgparse.SetOperation_SETOP_NONE && s.GetOp() != pgparse.SetOperation_SET_OPERATION_UNDEFINED {
		left := r.selectStmt(s.GetLarg(), sc)
		r.selectStmt(s.GetRarg(), sc)
		return left
	}
	if rows := s.GetValuesLists(); len(rows) > 0 {
		out := &queryReads{}
		for i, row := range rows {
			for j, e := range items(row) {
				r.expr(e, sc)
				if i == 0 {
					out.output = append(out.output, outputColumn{name: "column" + itoa(j+1), typ: r.typeOf(e, sc)})
				}
			}
		}
		return out
	}
	r.from(s.GetFromClause(), sc)
	out := r.targets(s.GetTargetList(), sc)
	r.expr(s.GetWhereClause(), sc)
	r.expr(s.GetHavingClause(), sc)
	r.expr(s.GetLimitCount(), sc)
	r.expr(s.GetLimitOffset(), sc)
	// Names here may mean output columns: those that mean nothing below are
	// left alone.
	for _, list := range [][]*pgparse.Node{s.GetGroupClause(), s.GetSortClause(), s.GetDistinctClause(), s.GetWindowClause()} {
		r.exprs(list, sc)
	}
	return out
}

func (r *reader) targets(list []*pgparse.Node, sc *scope) *queryReads {
	out := &queryReads{}
	for _, n := range list {
		t := n.GetResTarget()
		val := t.GetVal()
		if ref := val.GetColumnRef(); ref != nil && pgparse.EndsInStar(ref) {
			r.star(ref, sc, out)
			continue
		}
		r.expr(val, sc)
		name := t.GetName()
		if name == "" {
			if name = query.Figure(val); name == "" {
				name = "?column?"
			}
		}
		out.output = append(out.output, outputColumn{clip(name), r.typeOf(val, sc)})
	}
	return out
}

func (r *reader) column(rel *Relation, c *Column) {
	if have := r.q.columns[rel.OID]; !slices.Contains(have, c.Attnum) {
		r.q.columns[rel.OID] = append(have, c.Attnum)
	}
}

func (r *reader) exprs(list []*pgparse.Node, sc *scope) {
	for _, n := range list {
		r.expr(n, sc)
	}
}

// expr reads the columns, sub-queries, functions and types of an expression.
func (r *reader) expr(n *pgparse.Node, sc *scope) {
	if n == nil {
		return
	}
	pgparse.Walk(n, func(msg any) bool {
		switch m := msg.(type) {
		case *pgparse.ColumnRef:
			r.columnRef(m, sc)
		case *pgparse.SubLink:
			r.expr(m.GetTestexpr(), sc)
			r.statement(m.GetSubselect(), sc)
			return false
		case *pgparse.SelectStmt:
			r.selectStmt(m, sc)
			return false
		case *pgparse.FuncCall:
			schema, name := schemaAndName(m.GetFuncname())
			if fn := r.f.Functions(schema, name); len(fn) > 0 && !slices.Contains(r.q.functions, fn[0].Name) {
				r.q.functions = append(r.q.functions, fn[0].Name)
			}
		case *pgparse.TypeName:
			if t := r.f.TypeOf(m); t.OID != 0 && !slices.Contains(r.q.types, t.OID) {
				r.q.types = append(r.q.types, t.OID)
			}
		}
		return true
	})
}

// typeOf is the type of a target, where it is plain to see.
func (r *reader) typeOf(n *pgparse.Node, sc *scope) Type {
	switch m := pgparse.Unwrap(n).(type) {
	case *pgparse.ColumnRef:
		_, c, o := r.find(m, sc)
		if c != nil {
			return c.Type
		}
		return o.typ
	case *pgparse.TypeCast:
		return r.f.TypeOf(m.GetTypeName())
	case *pgparse.FuncCall:
		switch name := last(m.GetFuncname()); {
		case name == "count":
			return Type{Name: Name{"pg_catalog", "int8"}}
		case name == "now":
			return Type{Name: Name{"pg_catalog", "timestamptz"}}
		case (name == "max" || name == "min") && len(m.GetArgs()) == 1:
			t := r.typeOf(m.GetArgs()[0], sc)
			t.Mods = nil
			return t
		}
	case *pgparse.A_Expr:
		switch last(m.GetName()) {
		case "=", "<>", "<", ">", "<=", ">=", "~~", "!~~", "~", "@>", "<@", "&&":
			if m.GetKind() != pgparse.A_Expr_Kind_AEXPR_NULLIF {
				return Type{Name: Name{"pg_catalog", "bool"}}
			}
		}
	case *pgparse.CollateClause:
		return r.typeOf(m.GetArg(), sc)
	case *pgparse.A_Const:
		switch m.GetVal().(type) {
		case *pgparse.A_Const_Ival:
			return Type{Name: Name{"pg_catalog", "int4"}}
		case *pgparse.A_Const_Fval:
			return Type{Name: Name{"pg_catalog", "numeric"}}
		case *pgparse.A_Const_Boolval:
			return Type{Name: Name{"pg_catalog", "bool"}}
		}
		return Type{Name: Name{"pg_catalog", "text"}}
	case *pgparse.BoolExpr, *pgparse.NullTest, *pgparse.BooleanTest:
		return Type{Name: Name{"pg_catalog", "bool"}}
	}
	return Type{}
}
