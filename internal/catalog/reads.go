package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

// query is what a query reads and gives.
type query struct {
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
	ctes    map[string]*query
}

// reader goes through a query.
type reader struct {
	f     *fold
	q     *query
	depth int
}

// readQuery finds out what a query reads: relations, columns as far as names
// tell, functions and types that the catalog holds; and its output.
func (f *fold) readQuery(n *pgparse.Node) *query {
	r := &reader{f: f, q: &query{columns: map[OID][]int16{}}}
	out := r.statement(n, nil)
	r.q.output, r.q.unknown = out.output, out.unknown
	return r.q
}

// QueryReads lists the relations that a query or statement reads or writes by
// name, without the names of its WITH queries; each once.
func QueryReads(root any) []*pgparse.RangeVar {
	var out []*pgparse.RangeVar
	ctes := map[string]bool{}
	pgparse.Walk(root, func(msg any) bool {
		if c, ok := msg.(*pgparse.CommonTableExpr); ok {
			ctes[c.GetCtename()] = true
		}
		return true
	})
	seen := map[Name]bool{}
	pgparse.Walk(root, func(msg any) bool {
		rv, ok := msg.(*pgparse.RangeVar)
		if !ok {
			return true
		}
		name := Name{rv.GetSchemaname(), rv.GetRelname()}
		if rv.GetSchemaname() == "" && ctes[rv.GetRelname()] || seen[name] {
			return false
		}
		seen[name] = true
		out = append(out, rv)
		return false
	})
	return out
}

// statement reads one query and gives its output columns.
func (r *reader) statement(n *pgparse.Node, outer *scope) *query {
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
		return &query{}
	}
	// EXECUTE of a prepared statement: nothing is known of it.
	return &query{unknown: true}
}

func (r *reader) with(w *pgparse.WithClause, outer *scope) *scope {
	sc := &scope{outer: outer}
	if w == nil {
		return sc
	}
	sc.ctes = map[string]*query{}
	for _, n := range w.GetCtes() {
		c := n.GetCommonTableExpr()
		names := strs(c.GetAliascolnames())
		if w.GetRecursive() {
			// The query may read itself: its columns are those of the
			// names, as far as there are any.
			self := &query{unknown: len(names) == 0}
			for _, name := range names {
				self.output = append(self.output, outputColumn{name: name})
			}
			sc.ctes[c.GetCtename()] = self
		}
		sub := r.statement(c.GetCtequery(), sc)
		sc.ctes[c.GetCtename()] = &query{output: renamed(sub.output, names), unknown: sub.unknown}
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

func (r *reader) selectStmt(s *pgparse.SelectStmt, outer *scope) *query {
	if s == nil || r.depth > maxDepth {
		return &query{unknown: true}
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
		out := &query{}
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

// table is an entry of FROM that names a relation or a WITH query.
func (r *reader) table(rv *pgparse.RangeVar, sc *scope) source {
	schema, name := rangeName(rv)
	src := source{alias: name}
	if a := rv.GetAlias().GetAliasname(); a != "" {
		src.alias = a
	}
	if schema == "" {
		for s := sc; s != nil; s = s.outer {
			if c, ok := s.ctes[name]; ok {
				src.columns, src.unknown = renamed(c.output, strs(rv.GetAlias().GetColnames())), c.unknown
				return src
			}
		}
	}
	if systemSchema(schema) || schema == "" && len(name) > 3 && name[:3] == "pg_" && r.f.Lookup("", name) == nil {
		src.unknown = true
		return src
	}
	rel := r.f.relationNamed(schema, name, Table, false)
	if rel == nil {
		src.unknown = true
		return src
	}
	src.oid = rel.OID
	if !slices.Contains(r.q.reads, rel.OID) {
		r.q.reads = append(r.q.reads, rel.OID)
	}
	if names := rv.GetAlias().GetColnames(); len(names) > 0 {
		// The columns go by other names.
		for _, c := range rel.Columns {
			src.columns = append(src.columns, outputColumn{c.Name, c.Type})
			r.column(rel, c)
		}
		src.columns = renamed(src.columns, strs(names))
		src.oid = 0
	}
	return src
}

func (r *reader) from(list []*pgparse.Node, sc *scope) {
	for _, n := range list {
		switch e := pgparse.Unwrap(n).(type) {
		case *pgparse.RangeVar:
			sc.sources = append(sc.sources, r.table(e, sc))
		case *pgparse.JoinExpr:
			if r.depth > maxDepth {
				return
			}
			r.depth++
			r.from([]*pgparse.Node{e.GetLarg(), e.GetRarg()}, sc)
			r.depth--
			r.expr(e.GetQuals(), sc)
			for _, u := range e.GetUsingClause() {
				r.everywhere(str(u), sc)
			}
			if e.GetIsNatural() {
				r.q.star = true
			}
		case *pgparse.RangeSubselect:
			sub := r.statement(e.GetSubquery(), sc)
			sc.sources = append(sc.sources, source{
				alias: e.GetAlias().GetAliasname(), columns: renamed(sub.output, strs(e.GetAlias().GetColnames())), unknown: sub.unknown,
			})
		case *pgparse.RangeFunction:
			for _, fn := range e.GetFunctions() {
				for _, arg := range items(fn) {
					r.expr(arg, sc)
				}
			}
			src := source{alias: e.GetAlias().GetAliasname(), unknown: true}
			for _, d := range e.GetColdeflist() {
				src.columns = append(src.columns, outputColumn{d.GetColumnDef().GetColname(), r.f.TypeOf(d.GetColumnDef().GetTypeName())})
			}
			for _, name := range strs(e.GetAlias().GetColnames()) {
				src.columns = append(src.columns, outputColumn{name: name})
			}
			sc.sources = append(sc.sources, src)
		case *pgparse.RangeTableSample:
			r.from([]*pgparse.Node{e.GetRelation()}, sc)
		default:
			if n != nil {
				r.expr(n, sc)
				sc.sources = append(sc.sources, source{unknown: true})
			}
		}
	}
}

func (r *reader) targets(list []*pgparse.Node, sc *scope) *query {
	out := &query{}
	for _, n := range list {
		t := n.GetResTarget()
		val := t.GetVal()
		if ref := val.GetColumnRef(); ref != nil && endsInStar(ref) {
			r.star(ref, sc, out)
			continue
		}
		r.expr(val, sc)
		name := t.GetName()
		if name == "" {
			if name = figureName(val); name == "" {
				name = "?column?"
			}
		}
		out.output = append(out.output, outputColumn{clip(name), r.typeOf(val, sc)})
	}
	return out
}

func endsInStar(ref *pgparse.ColumnRef) bool {
	fields := ref.GetFields()
	return len(fields) > 0 && fields[len(fields)-1].GetAStar() != nil
}

// star reads all columns of one source or of all.
func (r *reader) star(ref *pgparse.ColumnRef, sc *scope, out *query) {
	r.q.star = true
	fields := ref.GetFields()
	alias := ""
	if len(fields) > 1 {
		alias = str(fields[len(fields)-2])
	}
	for _, s := range sc.sources {
		if alias != "" && s.alias != alias {
			continue
		}
		for _, c := range r.sourceColumns(s, true) {
			out.output = append(out.output, c)
		}
		if rel := r.f.Relation(s.oid); s.unknown || rel != nil && (rel.Inferred || rel.Partial) {
			out.unknown = true
		}
	}
}

// sourceColumns are the columns of an entry of FROM; mark notes them as read.
func (r *reader) sourceColumns(s source, mark bool) []outputColumn {
	rel := r.f.Relation(s.oid)
	if rel == nil {
		return s.columns
	}
	out := make([]outputColumn, 0, len(rel.Columns))
	for _, c := range rel.Columns {
		out = append(out, outputColumn{c.Name, c.Type})
		if mark {
			r.column(rel, c)
		}
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

// columnRef finds the column that a name means and notes it.
func (r *reader) columnRef(ref *pgparse.ColumnRef, sc *scope) {
	if endsInStar(ref) {
		// A whole row as a value: no single column.
		r.q.star = true
		return
	}
	rel, c, _ := r.find(ref, sc)
	if rel != nil && c != nil {
		r.column(rel, c)
	}
}

// find gives the relation and column that a name means, or the column of a
// sub-query.
func (r *reader) find(ref *pgparse.ColumnRef, sc *scope) (*Relation, *Column, outputColumn) {
	names := strs(ref.GetFields())
	if len(names) == 0 {
		return nil, nil, outputColumn{}
	}
	name, alias := clip(names[len(names)-1]), ""
	if len(names) > 1 {
		alias = names[len(names)-2]
	}
	for s := sc; s != nil; s = s.outer {
		for _, src := range s.sources {
			if alias != "" && src.alias != alias {
				continue
			}
			rel := r.f.Relation(src.oid)
			if rel == nil {
				for _, c := range src.columns {
					if c.name == name {
						return nil, nil, c
					}
				}
				continue
			}
			if c := rel.Column(name); c != nil {
				return rel, c, outputColumn{}
			}
		}
	}
	// Of one unknown relation, or by its alias, the column must be there.
	for s := sc; s != nil; s = s.outer {
		for _, src := range s.sources {
			rel := r.f.Relation(src.oid)
			if rel == nil || !rel.Inferred && !rel.Partial || src.alias != alias && (alias != "" || len(s.sources) > 1) {
				continue
			}
			if c := r.f.inferColumn(rel.OID, name); c != nil {
				return r.f.Relation(rel.OID), c, outputColumn{}
			}
		}
	}
	return nil, nil, outputColumn{}
}

// everywhere notes a column of USING in each source that has it.
func (r *reader) everywhere(name string, sc *scope) {
	for _, s := range sc.sources {
		if rel := r.f.Relation(s.oid); rel != nil {
			if c := rel.Column(name); c != nil {
				r.column(rel, c)
			}
		}
	}
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
