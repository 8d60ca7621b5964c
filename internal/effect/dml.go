package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// query locks what a SELECT reads, and what statements in its WITH write.
func (r *run) query(msg any) {
	r.queryIn(msg, nil)
}

// queryIn walks a statement with the names of the common table expressions
// that are in force.
func (r *run) queryIn(msg any, ctes []string) {
	if r.depth > maxDepth {
		return
	}
	r.depth++
	defer func() { r.depth-- }()
	switch m := msg.(type) {
	case *pgparse.SelectStmt:
		r.selectStmt(m, ctes)
	case *pgparse.InsertStmt:
		r.insert(m, ctes)
	case *pgparse.UpdateStmt:
		ctes = r.with(m.GetWithClause(), ctes)
		r.update(m)
		r.nodes(ctes, m.GetTargetList())
		for _, n := range m.GetFromClause() {
			r.from(n, ctes, true, m.GetWhereClause())
		}
		r.node(m.GetWhereClause(), ctes)
		r.nodes(ctes, m.GetReturningClause().GetExprs())
	case *pgparse.DeleteStmt:
		ctes = r.with(m.GetWithClause(), ctes)
		r.deleteFrom(m)
		for _, n := range m.GetUsingClause() {
			r.from(n, ctes, true, m.GetWhereClause())
		}
		r.node(m.GetWhereClause(), ctes)
		r.nodes(ctes, m.GetReturningClause().GetExprs())
	case *pgparse.MergeStmt:
		ctes = r.with(m.GetWithClause(), ctes)
		r.merge(m)
		r.from(m.GetSourceRelation(), ctes, true, nil)
		r.node(m.GetJoinCondition(), ctes)
		r.nodes(ctes, m.GetMergeWhenClauses())
	}
}

func (r *run) with(w *pgparse.WithClause, ctes []string) []string {
	if w == nil {
		return ctes
	}
	ctes = ctes[:len(ctes):len(ctes)]
	for _, n := range w.GetCtes() {
		cte := n.GetCommonTableExpr()
		if w.GetRecursive() {
			ctes = append(ctes, cte.GetCtename())
		}
		r.queryIn(pgparse.Unwrap(cte.GetCtequery()), ctes)
		if !w.GetRecursive() {
			ctes = append(ctes, cte.GetCtename())
		}
	}
	return ctes
}

func (r *run) nodes(ctes []string, lists ...[]*pgparse.Node) {
	for _, list := range lists {
		for _, n := range list {
			r.node(n, ctes)
		}
	}
}

// node finds the relations and sub-queries in an expression or FROM item.
func (r *run) node(n *pgparse.Node, ctes []string) {
	if n == nil {
		return
	}
	pgparse.Walk(n, func(m any) bool {
		switch x := m.(type) {
		case *pgparse.RangeVar:
			if x.GetSchemaname() == "" && contains(ctes, x.GetRelname()) {
				return false
			}
			r.read(x, as)
			return false
		case *pgparse.FuncCall:
			r.call(x)
		case *pgparse.SelectStmt, *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt:
			r.queryIn(m, ctes)
			return false
		}
		return true
	})
}

// calls locks what the functions in an expression lock by name.
func (r *run) calls(expr *pgparse.Node) {
	pgparse.Walk(expr, func(m any) bool {
		if f, ok := m.(*pgparse.FuncCall); ok {
			r.call(f)
		}
		return true
	})
}

// call locks what functions of the server lock by name.
func (r *run) call(f *pgparse.FuncCall) {
	mode := onward.NoLock
	switch lastName(f.GetFuncname()) {
	case "nextval", "setval":
		mode = rx
	case "currval", "pg_relation_size", "pg_total_relation_size", "pg_table_size", "pg_indexes_size":
		mode = as
	default:
		return
	}
	if len(f.GetArgs()) == 0 {
		return
	}
	if b := constant(f.GetArgs()[0]); b != nil && !b.numeric {
		schema, name := splitName(b.text)
		if rel := r.c.Lookup(schema, name); rel != nil {
			r.lock(rel, mode)
		}
	}
}

func (r *run) selectStmt(s *pgparse.SelectStmt, ctes []string) {
	ctes = r.with(s.GetWithClause(), ctes)
	if s.GetLarg() != nil {
		r.queryIn(s.GetLarg(), ctes)
		r.queryIn(s.GetRarg(), ctes)
	}
	mark := len(r.Effects)
	r.nodes(ctes, s.GetTargetList(), s.GetValuesLists(), s.GetGroupClause(), s.GetSortClause(), s.GetDistinctClause())
	// What FROM names is read whole, unless a condition or a limit says less.
	whole := s.GetLimitCount() == nil && s.GetLarg() == nil
	for _, n := range s.GetFromClause() {
		r.from(n, ctes, whole, s.GetWhereClause())
	}
	r.node(s.GetWhereClause(), ctes)
	r.node(s.GetHavingClause(), ctes)
	if into := s.GetIntoClause(); into != nil {
		r.create(r.newName(into.GetRel()), catalog.Table)
	}
	if len(s.GetLockingClause()) > 0 {
		r.rowLocks(s, ctes, mark)
	}
}

// rowLocks is FOR UPDATE and its like.
func (r *run) rowLocks(s *pgparse.SelectStmt, ctes []string, mark int) {
	for _, l := range s.GetLockingClause() {
		names := l.GetLockingClause().GetLockedRels()
		for _, n := range s.GetFromClause() {
			pgparse.Walk(n, func(m any) bool {
				rv, ok := m.(*pgparse.RangeVar)
				if !ok || rv.GetSchemaname() == "" && contains(ctes, rv.GetRelname()) {
					return true
				}
				for _, want := range names {
					w := want.GetRangeVar().GetRelname()
					if w != rv.GetRelname() && w != rv.GetAlias().GetAliasname() {
						continue
					}
					r.read(rv, rs)
					return false
				}
				if len(names) == 0 {
					r.read(rv, rs)
				}
				return false
			})
		}
	}
}

// from locks a FROM item; a table in it that no condition narrows by an index
// is read whole.
func (r *run) from(n *pgparse.Node, ctes []string, whole bool, where *pgparse.Node) {
	switch m := pgparse.Unwrap(n).(type) {
	case *pgparse.RangeVar:
		if m.GetSchemaname() == "" && contains(ctes, m.GetRelname()) {
			return
		}
		for _, rel := range r.read(m, as) {
			if whole && stored(rel) && rel.Kind != catalog.Sequence && !r.indexed(rel, where) {
				e := r.at(rel)
				if rel.Inferred && where != nil {
					e.Rows = true
					continue
				}
				e.Scans = true
			}
		}
	case *pgparse.JoinExpr:
		r.from(m.GetLarg(), ctes, whole, where)
		r.from(m.GetRarg(), ctes, whole, where)
		r.node(m.GetQuals(), ctes)
	default:
		r.node(n, ctes)
	}
}

// indexed reports whether a condition compares the first column of an index
// with something, so that the table need not be read whole.
func (r *run) indexed(rel *catalog.Relation, where *pgparse.Node) bool {
	if where == nil {
		return false
	}
	for _, i := range r.indexes(rel) {
		if i.Index == nil || len(i.Index.Keys) == 0 {
			continue
		}
		col := rel.Attr(i.Index.Keys[0].Column)
		if col == nil {
			continue
		}
		for _, cond := range conjuncts(where) {
			if e, ok := pgparse.Unwrap(cond).(*pgparse.A_Expr); ok && operator(e) != "<>" &&
				(isColumn(e.GetLexpr(), col.Name) && !hasColumn(e.GetRexpr()) || isColumn(e.GetRexpr(), col.Name) && !hasColumn(e.GetLexpr())) {
				return true
			}
		}
	}
	return false
}

// hasColumn reports whether an expression is no constant: a join condition.
func hasColumn(n *pgparse.Node) bool {
	found := false
	if n == nil {
		return false
	}
	pgparse.Walk(n, func(m any) bool {
		switch m.(type) {
		case *pgparse.ColumnRef, *pgparse.SubLink:
			found = true
		}
		return !found
	})
	return found
}

// read locks a relation of a query: a view with all that it reads, a parent
// with its children. It gives the tables that are read in the end.
func (r *run) read(rv *pgparse.RangeVar, mode onward.Lock) []*catalog.Relation {
	rel := r.table(rv)
	if rel == nil {
		return nil
	}
	return r.readRelation(rel, mode, rv.GetInh(), "", 0)
}

func (r *run) readRelation(rel *catalog.Relation, mode onward.Lock, all bool, why string, depth int) []*catalog.Relation {
	if depth > maxDepth {
		return nil
	}
	r.lockFor(rel, mode, why)
	if rel.Kind == catalog.View && rel.View != nil {
		var out []*catalog.Relation
		for _, base := range r.rels(rel.View.Reads) {
			out = append(out, r.readRelation(base, mode, true, "read by the view "+rel.Name.String(), depth+1)...)
		}
		return out
	}
	tables := r.tree(rel, all && (rel.Kind.IsTable()))
	for _, k := range tables[1:] {
		r.lockFor(k, mode, childOf(k, rel))
	}
	return tables
}

// written are the tables behind what a statement writes to: those of an
// updatable view, the partitions of a parent.
func (r *run) written(rv *pgparse.RangeVar) []*catalog.Relation { return r.read(rv, rx) }

func (r *run) insert(m *pgparse.InsertStmt, ctes []string) {
	ctes = r.with(m.GetWithClause(), ctes)
	rel := r.table(m.GetRelation())
	if rel != nil {
		// Only the partitions that rows go to are locked: which, is not known.
		tables := r.readRelation(rel, rx, rel.Kind == catalog.View, "", 0)
		for _, t := range tables {
			r.checksReferenced(t, nil)
		}
	}
	if sel := m.GetSelectStmt(); sel != nil {
		r.queryIn(pgparse.Unwrap(sel), ctes)
	}
	r.nodes(ctes, m.GetOnConflictClause().GetTargetList(), m.GetReturningClause().GetExprs())
	r.node(m.GetOnConflictClause().GetWhereClause(), ctes)
}

// checksReferenced locks the tables that the changed foreign keys of a row
// point to: the check locks the referenced rows.
func (r *run) checksReferenced(t *catalog.Relation, changed []string) {
	for _, con := range t.Constraints {
		if con.Kind != catalog.ForeignKey || !con.Enforced && con.Valid {
			continue
		}
		if changed != nil && !r.touches(t, con.Columns, changed) {
			continue
		}
		if ref := r.c.Relation(con.Ref); ref != nil {
			r.lockFor(ref, rs, referencedBy(con.Name, ""))
		}
	}
}

func (r *run) touches(t *catalog.Relation, attnums []int16, names []string) bool {
	for _, a := range attnums {
		if col := t.Attr(a); col != nil && contains(names, col.Name) {
			return true
		}
	}
	return false
}

func (r *run) update(m *pgparse.UpdateStmt) {
	var changed []string
	for _, n := range m.GetTargetList() {
		changed = append(changed, n.GetResTarget().GetName())
	}
	for _, t := range r.written(m.GetRelation()) {
		r.scanFor(t, m.GetWhereClause())
		r.checksReferenced(t, changed)
		r.checksReferencing(t, changed)
	}
}

func (r *run) deleteFrom(m *pgparse.DeleteStmt) {
	for _, t := range r.written(m.GetRelation()) {
		r.scanFor(t, m.GetWhereClause())
		r.checksReferencing(t, nil)
	}
}

// scanFor marks what a row-level statement reads to find its rows.
func (r *run) scanFor(t *catalog.Relation, where *pgparse.Node) {
	if !stored(t) {
		return
	}
	e := r.at(t)
	if where == nil {
		e.Scans = true
		return
	}
	e.Rows = true
	if !t.Inferred && !r.indexed(t, where) {
		e.Scans = true
	}
}

// checksReferencing locks the tables whose foreign keys point to a row that
// goes away or changes its key (changed; nil for a deletion). Without an index
// on the foreign key they are read whole, for each row.
func (r *run) checksReferencing(t *catalog.Relation, changed []string) {
	for _, ref := range r.references(t, true) {
		target := r.c.Relation(ref.con.Ref)
		action := ref.con.OnDelete
		if changed != nil {
			action = ref.con.OnUpdate
			if target == nil || !r.touches(target, ref.con.RefColumns, changed) {
				continue
			}
		}
		mode := rs
		if action == "cascade" || action == "set null" || action == "set default" {
			mode = rx
		}
		for _, from := range r.tree(ref.from, ref.from.Kind == catalog.PartitionedTable) {
			e := r.lockFor(from, mode, "references "+t.Name.String())
			if stored(from) && !r.hasIndexOn(from, ref.con.Columns) {
				e.Scans = true
			}
		}
	}
}

func (r *run) hasIndexOn(t *catalog.Relation, columns []int16) bool {
	for _, i := range r.indexes(t) {
		if i.Index != nil && len(i.Index.Keys) > 0 && i.Index.Predicate == nil && contains(columns, i.Index.Keys[0].Column) {
			return true
		}
	}
	return false
}

func (r *run) merge(m *pgparse.MergeStmt) {
	var changed []string
	deletes := false
	for _, n := range m.GetMergeWhenClauses() {
		w := n.GetMergeWhenClause()
		deletes = deletes || w.GetCommandType() == pgparse.CmdType_CMD_DELETE
		for _, t := range w.GetTargetList() {
			changed = append(changed, t.GetResTarget().GetName())
		}
	}
	if !r.v.AtLeast(15) {
		r.refuse(`syntax error at or near "MERGE"`)
		return
	}
	for _, t := range r.written(m.GetRelation()) {
		r.scanFor(t, m.GetJoinCondition())
		r.checksReferenced(t, changed)
		if deletes {
			r.checksReferencing(t, nil)
		}
	}
}

// copyStmt is COPY.
func (r *run) copyStmt(s *pgparse.CopyStmt) {
	switch {
	case s.GetQuery() != nil:
		r.query(pgparse.Unwrap(s.GetQuery()))
	case s.GetIsFrom():
		for _, t := range r.written(s.GetRelation()) {
			r.checksReferenced(t, nil)
		}
	default:
		for _, t := range r.read(s.GetRelation(), as) {
			if stored(t) {
				r.at(t).Scans = true
			}
		}
	}
}

// newName is the full name of a relation that a statement creates.
func (r *run) newName(rv *pgparse.RangeVar) catalog.Name {
	schema := rv.GetSchemaname()
	if rv.GetRelpersistence() == "t" {
		schema = "pg_temp"
	}
	if schema == "" {
		schema = r.creationSchema()
	}
	return catalog.Name{Schema: schema, Name: rv.GetRelname()}
}

// splitName splits the text of a regclass: schema.name, without quotes.
func splitName(s string) (schema, name string) {
	for i := 0; i < len(s); i++ {
		if s[i] == '.' {
			return unquote(s[:i]), unquote(s[i+1:])
		}
	}
	return "", unquote(s)
}

func unquote(s string) string {
	if len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}
