package catalog

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/query"
	"github.com/onward-sql/onward/internal/refuse"
)

// insert checks an INSERT: the target, its columns, the values, how many there
// are, the arbiter; then what it fails at when it runs.
func (k *checker) insert(s *pgparse.InsertStmt, l *query.Level) {
	k.relation(s.GetRelation())
	t := behind(l.Target)
	k.targets(t, s.GetCols())
	k.level(l.Query)
	sel := s.GetSelectStmt().GetSelectStmt()
	if q := l.Query; q != nil && !q.Open {
		k.sameLength(sel)
		if t != nil && t.Kind.IsTable() {
			k.count(t, s, len(q.Outputs))
		}
	}
	if k.problem == nil && sel != nil {
		k.written(t, s, sel)
	}
	if c := s.GetOnConflictClause(); c != nil {
		k.onConflict(t, c, l)
	}
	k.names(l, query.Returning)
	if k.problem == nil && k.whole(t) && t.Kind == Table && len(t.Rules) == 0 && !fillsRows(t) {
		k.notNull(t, s, sel)
		k.refuted(t, s, sel)
	}
}

// sameLength checks that the rows of VALUES are as wide as the first.
func (k *checker) sameLength(sel *pgparse.SelectStmt) {
	rows := sel.GetValuesLists()
	for _, row := range rows {
		if len(pgparse.Items(row)) != len(pgparse.Items(rows[0])) {
			k.fail(refuse.ListsUnequal)
			return
		}
	}
}

// count checks that there are as many values as columns.
func (k *checker) count(t *Relation, s *pgparse.InsertStmt, values int) {
	columns := len(s.GetCols())
	switch {
	case columns > values:
		k.fail(refuse.TooManyTargets)
	case columns > 0 && columns < values, columns == 0 && k.whole(t) && len(t.Columns) < values:
		k.fail(refuse.TooManyValues)
	}
}

// fillsRows reports whether a trigger may change a new row before it is
// checked.
func fillsRows(t *Relation) bool {
	return slices.ContainsFunc(t.Triggers, func(g *Trigger) bool {
		return g.Timing != "after" && strings.Contains(g.Events, "insert")
	})
}

// notNull checks that each row has a value for the columns that must have one.
// A query may give no row: that is for the reader of the problem to weigh.
func (k *checker) notNull(t *Relation, s *pgparse.InsertStmt, sel *pgparse.SelectStmt) {
	var rows [][]*pgparse.Node
	fromQuery := false
	switch {
	case sel == nil:
		rows = [][]*pgparse.Node{nil}
	case sel.GetLimitCount() != nil || sel.GetLimitOffset() != nil:
		return
	case len(sel.GetValuesLists()) == 0:
		if len(sel.GetFromClause()) == 0 || len(s.GetCols()) == 0 || slices.ContainsFunc(s.GetCols(), func(n *pgparse.Node) bool { return len(n.GetResTarget().GetIndirection()) > 0 }) {
			return
		}
		// What the query gives is not known, only where it goes.
		rows, fromQuery = [][]*pgparse.Node{make([]*pgparse.Node, len(s.GetCols()))}, true
	}
	for _, row := range sel.GetValuesLists() {
		if rows = append(rows, pgparse.Items(row)); slices.ContainsFunc(pgparse.Items(row), pgparse.Expands) {
			return
		}
	}
	// at is the place of each column's value in a row.
	var must []*Column
	var at []int
	for i, c := range t.Columns {
		if !c.NotNull || c.Inferred || c.Identity != "" || c.Generated != "" {
			continue
		}
		place := i
		if len(s.GetCols()) > 0 {
			place = slices.IndexFunc(s.GetCols(), func(n *pgparse.Node) bool { return clip(n.GetResTarget().GetName()) == c.Name })
			if place >= 0 && len(s.GetCols()[place].GetResTarget().GetIndirection()) > 0 {
				continue
			}
		}
		must, at = append(must, c), append(at, place)
	}
	for _, row := range rows {
		for i, c := range must {
			var null bool
			if at[i] < 0 || at[i] >= len(row) || row[at[i]].GetSetToDefault() != nil {
				null = c.Default == nil && !k.hasDefault(c.Type)
			} else {
				null = predicate.IsNull(row[at[i]])
			}
			if null && k.c.rewritten() {
				return
			}
			if null {
				k.fail(refuse.NullValue, c.Name, t.Name.Name)
				k.problem.Query, k.problem.Certain = fromQuery, !fromQuery
				return
			}
		}
	}
}

// refuted checks the rows of VALUES against the CHECK constraints of the table,
// which the server takes in the order of their names.
func (k *checker) refuted(t *Relation, s *pgparse.InsertStmt, sel *pgparse.SelectStmt) {
	if k.problem != nil || sel.GetLimitCount() != nil || sel.GetLimitOffset() != nil {
		return
	}
	rows := sel.GetValuesLists()
	if len(rows) == 0 || len(t.Constraints) == 0 {
		return
	}
	columns := k.receivers(t, s, len(pgparse.Items(rows[0])))
	for _, row := range rows {
		list := pgparse.Items(row)
		if len(list) != len(columns) || slices.ContainsFunc(list, pgparse.Expands) {
			return
		}
		given := func(c *Column) (*pgparse.Node, bool) {
			if i := slices.Index(columns, c); i >= 0 && list[i].GetSetToDefault() == nil {
				return list[i], true
			}
			return c.Default, c.Default != nil || !slices.Contains(columns, nil) && !k.hasDefault(c.Type)
		}
		name := ""
		for _, c := range t.Constraints {
			if c.Kind == Check && c.Enforced && (name == "" || c.Name < name) && k.c.Refuted(t, c.Expr, given) {
				name = c.Name
			}
		}
		if name != "" {
			k.fail(refuse.CheckViolated, t.Name.Name, name)
			return
		}
	}
}

// hasDefault reports whether a type may give a column a default: a domain may.
func (k *checker) hasDefault(t Type) bool {
	if t.Array > 0 {
		return false
	}
	if u := k.c.Type(t.OID); u != nil {
		return u.Inferred || u.Kind == Domain
	}
	_, ours := builtin.Type(t.Name.Name)
	return !ours || t.Name.Schema != "pg_catalog"
}

// onConflict checks the arbiter and what DO UPDATE sets.
func (k *checker) onConflict(t *Relation, c *pgparse.OnConflictClause, l *query.Level) {
	infer := c.GetInfer()
	for _, n := range infer.GetIndexElems() {
		if name := clip(n.GetIndexElem().GetName()); name != "" && k.lacks(t, name) {
			k.fail(refuse.ColumnMissingAlone, name)
		}
	}
	k.names(l, query.Conflict)
	name := clip(infer.GetConname())
	if name != "" && k.whole(t) && t.Kind.IsTable() && t.Constraint(name) == nil {
		k.fail(refuse.ConstraintMissingFor, name, t.Name.Name)
	}
	if t != nil && c.GetAction() == pgparse.OnConflictAction_ONCONFLICT_UPDATE {
		if con := t.Constraint(name); name != "" && con != nil && con.Kind == Exclude {
			k.fail(refuse.ConflictExclusion)
		}
	}
	k.assign(t, c.GetTargetList())
	if len(infer.GetIndexElems()) > 0 && k.problem == nil && k.whole(t) && t.Kind == Table && len(t.Rules) == 0 && !k.hasArbiter(t, infer) {
		k.fail(refuse.ConflictNoArbiter)
	}
}

// hasArbiter is infer_arbiter_indexes: whether a unique index may be what an
// ON CONFLICT means. Collations and operator classes are not compared, and
// whether a condition implies that of an index is not decided.
func (k *checker) hasArbiter(t *Relation, infer *pgparse.InferClause) bool {
	var columns []int16
	exprs := 0
	for _, n := range infer.GetIndexElems() {
		e := n.GetIndexElem()
		name := e.GetName()
		if ref := e.GetExpr().GetColumnRef(); ref != nil {
			name = pgparse.Last(ref.GetFields())
		}
		c := t.Column(clip(name))
		switch {
		case name == "":
			exprs++
		case c == nil:
			return true
		case !slices.Contains(columns, c.Attnum):
			columns = append(columns, c.Attnum)
		}
	}
	for _, oid := range t.Indexes {
		idx := k.c.Relation(oid)
		if idx == nil || idx.Index == nil || idx.Inferred || idx.Partial {
			return true
		}
		if i := idx.Index; i.Unique && (i.Predicate == nil || infer.GetWhereClause() != nil || mayBeTrue(t, i.Predicate)) && arbitrates(i, columns, exprs) {
			return true
		}
	}
	// A constraint whose index is not known.
	return slices.ContainsFunc(t.Constraints, func(c *Constraint) bool {
		return (c.Kind == Unique || c.Kind == PrimaryKey) && k.c.Relation(c.Index) == nil
	})
}

// arbitrates reports whether an index has these columns, in any order, and
// expressions if and only if some were given.
func arbitrates(i *IndexInfo, columns []int16, exprs int) bool {
	var have []int16
	own := 0
	for _, key := range i.Keys {
		switch {
		case key.Column == 0:
			own++
		case !slices.Contains(columns, key.Column):
			return false
		case !slices.Contains(have, key.Column):
			have = append(have, key.Column)
		}
	}
	return len(have) == len(columns) && (own > 0) == (exprs > 0)
}

// mayBeTrue reports whether the condition of a partial index may hold for all
// rows, so that it is none: a constant, or IS NOT NULL of a column that is.
func mayBeTrue(t *Relation, where *pgparse.Node) bool {
	constant := true
	for _, name := range ColumnsIn(where) {
		c := t.Column(name)
		constant = constant && c != nil && c.NotNull && predicate.ProvesNotNull(where, name)
	}
	return constant
}
