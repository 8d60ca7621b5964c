package catalog

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/query"
)

// checkInsert checks an INSERT: the target, its columns, the values and their number, and
// the arbiter. Then it checks the constraints that the rows break when it runs.
func (k *checker) checkInsert(s *pgparse.InsertStmt, l *query.Level) {
	k.resolveRelation(s.GetRelation())
	t := judgedRelation(l.Target)
	k.checkTargets(t, s.GetCols())
	k.checkLevel(l.Query)
	sel := s.GetSelectStmt().GetSelectStmt()
	if q := l.Query; q != nil && !q.Open {
		k.checkValuesWidth(sel)
		if t != nil && t.Kind.IsTable() {
			k.checkValueCount(t, s, len(q.Outputs))
		}
	}
	if k.problem == nil && sel != nil {
		k.checkInsertedValues(t, s, sel)
	}
	if c := s.GetOnConflictClause(); c != nil {
		k.checkOnConflict(t, c, l)
	}
	k.checkNames(l, query.Returning)
	if k.problem == nil && k.isFullyKnown(t) && t.Kind == Table && len(t.Rules) == 0 && !hasRowChangingTrigger(t) {
		k.checkNotNull(t, s, sel)
		k.checkRowConstraints(t, s, sel)
	}
}

// checkValuesWidth checks that the rows of VALUES are as wide as the first.
func (k *checker) checkValuesWidth(sel *pgparse.SelectStmt) {
	rows := sel.GetValuesLists()
	for _, row := range rows {
		if len(pgparse.ListItems(row)) != len(pgparse.ListItems(rows[0])) {
			k.recordProblem(pgerror.ListsUnequal)
			return
		}
	}
}

// checkValueCount checks that there are as many values as columns.
func (k *checker) checkValueCount(t *Relation, s *pgparse.InsertStmt, values int) {
	columns := len(s.GetCols())
	switch {
	case columns > values:
		k.recordProblem(pgerror.TooManyTargets)
	case columns > 0 && columns < values, columns == 0 && k.isFullyKnown(t) && len(t.Columns) < values:
		k.recordProblem(pgerror.TooManyValues)
	}
}

// hasRowChangingTrigger reports whether a trigger may change a new row before it is
// checked.
func hasRowChangingTrigger(t *Relation) bool {
	return slices.ContainsFunc(t.Triggers, func(g *Trigger) bool {
		return g.Timing != "after" && strings.Contains(g.Events, "insert")
	})
}

// checkNotNull checks that each row has a value for the columns that must have one.
// A query may give no row: that is for the reader of the problem to weigh.
func (k *checker) checkNotNull(t *Relation, s *pgparse.InsertStmt, sel *pgparse.SelectStmt) {
	var rows [][]*pgparse.Node
	fromQuery := false
	switch {
	case sel == nil:
		rows = [][]*pgparse.Node{nil}
	case sel.GetLimitCount() != nil || sel.GetLimitOffset() != nil:
		return
	case len(sel.GetValuesLists()) == 0:
		if len(sel.GetFromClause()) == 0 || len(s.GetCols()) == 0 ||
			slices.ContainsFunc(s.GetCols(), func(n *pgparse.Node) bool { return len(n.GetResTarget().GetIndirection()) > 0 }) {
			return
		}
		// The values from the query are not known, only their columns.
		rows, fromQuery = [][]*pgparse.Node{make([]*pgparse.Node, len(s.GetCols()))}, true
	}
	for _, row := range sel.GetValuesLists() {
		if rows = append(rows, pgparse.ListItems(row)); slices.ContainsFunc(pgparse.ListItems(row), pgparse.IsExpanding) {
			return
		}
	}
	// valueIndexes has the place of each column's value in a row.
	var notNullColumns []*Column
	var valueIndexes []int
	for i, c := range t.Columns {
		if !c.NotNull || c.Inferred || c.Identity != "" || c.Generated != "" {
			continue
		}
		place := i
		if len(s.GetCols()) > 0 {
			place = slices.IndexFunc(s.GetCols(), func(n *pgparse.Node) bool { return clipName(n.GetResTarget().GetName()) == c.Name })
			if place >= 0 && len(s.GetCols()[place].GetResTarget().GetIndirection()) > 0 {
				continue
			}
		}
		notNullColumns, valueIndexes = append(notNullColumns, c), append(valueIndexes, place)
	}
	for _, row := range rows {
		for i, c := range notNullColumns {
			var null bool
			if valueIndexes[i] < 0 || valueIndexes[i] >= len(row) || row[valueIndexes[i]].GetSetToDefault() != nil {
				null = c.Default == nil && !k.mayHaveDefault(c.Type)
			} else {
				null = predicate.IsNull(row[valueIndexes[i]])
			}
			if null && k.c.hasRewrittenTypes() {
				return
			}
			if null {
				k.recordProblem(pgerror.NullValue, c.Name, t.Name.Name)
				k.problem.Query, k.problem.Certain = fromQuery, !fromQuery
				return
			}
		}
	}
}

// checkRowConstraints checks the rows of VALUES against the CHECK constraints of the table,
// which the server takes in the order of their names.
func (k *checker) checkRowConstraints(t *Relation, s *pgparse.InsertStmt, sel *pgparse.SelectStmt) {
	if k.problem != nil || sel.GetLimitCount() != nil || sel.GetLimitOffset() != nil {
		return
	}
	rows := sel.GetValuesLists()
	if len(rows) == 0 || len(t.Constraints) == 0 {
		return
	}
	columns := k.listReceivers(t, s, len(pgparse.ListItems(rows[0])))
	for _, row := range rows {
		list := pgparse.ListItems(row)
		if len(list) != len(columns) || slices.ContainsFunc(list, pgparse.IsExpanding) {
			return
		}
		valueOf := func(c *Column) (*pgparse.Node, bool) {
			if i := slices.Index(columns, c); i >= 0 && list[i].GetSetToDefault() == nil {
				return list[i], true
			}
			return c.Default, c.Default != nil || !slices.Contains(columns, nil) && !k.mayHaveDefault(c.Type)
		}
		name := ""
		for _, c := range t.Constraints {
			if c.Kind == Check && c.Enforced && (name == "" || c.Name < name) && k.c.IsCheckRefuted(t, c.Expr, valueOf) {
				name = c.Name
			}
		}
		if name != "" {
			k.recordProblem(pgerror.CheckViolated, t.Name.Name, name)
			return
		}
	}
}

// mayHaveDefault reports whether a type may give a column a default: a domain may.
func (k *checker) mayHaveDefault(t Type) bool {
	if t.Array > 0 {
		return false
	}
	if u := k.c.Type(t.OID); u != nil {
		return u.Inferred || u.Kind == Domain
	}
	_, isBuiltin := builtin.Type(t.Name.Name)
	return !isBuiltin || t.Name.Schema != "pg_catalog"
}

// checkOnConflict checks the arbiter and what DO UPDATE sets.
func (k *checker) checkOnConflict(t *Relation, c *pgparse.OnConflictClause, l *query.Level) {
	infer := c.GetInfer()
	for _, n := range infer.GetIndexElems() {
		if name := clipName(n.GetIndexElem().GetName()); name != "" && k.isColumnAbsent(t, name) {
			k.recordProblem(pgerror.ColumnMissingAlone, name)
		}
	}
	k.checkNames(l, query.Conflict)
	name := clipName(infer.GetConname())
	if name != "" && k.isFullyKnown(t) && t.Kind.IsTable() && t.Constraint(name) == nil {
		k.recordProblem(pgerror.ConstraintMissingFor, name, t.Name.Name)
	}
	if t != nil && c.GetAction() == pgparse.OnConflictAction_ONCONFLICT_UPDATE {
		if con := t.Constraint(name); name != "" && con != nil && con.Kind == Exclude {
			k.recordProblem(pgerror.ConflictExclusion)
		}
	}
	k.checkAssignments(t, c.GetTargetList())
	if len(infer.GetIndexElems()) > 0 && k.problem == nil && k.isFullyKnown(t) && t.Kind == Table && len(t.Rules) == 0 && !k.hasArbiter(t, infer) {
		k.recordProblem(pgerror.ConflictNoArbiter)
	}
}

// hasArbiter implements infer_arbiter_indexes: it reports whether an ON CONFLICT may mean
// a unique index. It does not compare collations and operator classes, and does not
// decide whether a condition implies the condition of an index.
func (k *checker) hasArbiter(t *Relation, infer *pgparse.InferClause) bool {
	var columns []int16
	exprs := 0
	for _, n := range infer.GetIndexElems() {
		e := n.GetIndexElem()
		name := e.GetName()
		if ref := e.GetExpr().GetColumnRef(); ref != nil {
			name = pgparse.LastText(ref.GetFields())
		}
		c := t.Column(clipName(name))
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
		if i := idx.Index; i.Unique && (i.Predicate == nil || infer.GetWhereClause() != nil || mayBeTrue(t, i.Predicate)) && canArbitrate(i, columns, exprs) {
			return true
		}
	}
	// A constraint whose index is not known.
	return slices.ContainsFunc(t.Constraints, func(c *Constraint) bool {
		return (c.Kind == Unique || c.Kind == PrimaryKey) && k.c.Relation(c.Index) == nil
	})
}

// canArbitrate reports whether an index has these columns, in any order, and
// expressions if and only if some were given.
func canArbitrate(i *IndexInfo, columns []int16, exprs int) bool {
	var have []int16
	exprKeys := 0
	for _, key := range i.Keys {
		switch {
		case key.Column == 0:
			exprKeys++
		case !slices.Contains(columns, key.Column):
			return false
		case !slices.Contains(have, key.Column):
			have = append(have, key.Column)
		}
	}
	return len(have) == len(columns) && (exprKeys > 0) == (exprs > 0)
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
