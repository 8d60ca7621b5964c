package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// knownRelation is a relation as a checker sees it: it may have columns that are not
// known wherever that is not certain.
type knownRelation struct {
	*Relation
	open bool
}

// HasUnknownColumns reports whether the relation may have columns that are not known.
func (j knownRelation) HasUnknownColumns() bool { return j.open }

// Table resolves a relation's name for query.BindStatement. It returns only known relations
// that hold rows.
func (k *checker) Table(rv *pgparse.RangeVar) query.Table {
	schema, name := pgparse.RangeName(rv)
	if schema == "" && !k.hasPublicSearchPath() {
		return nil
	}
	r := k.c.findRelation(schema, name)
	if r == nil || !r.Kind.IsTable() && r.Kind != View && r.Kind != MaterializedView && r.Kind != ForeignTable {
		return nil
	}
	return knownRelation{r, !k.isFullyKnown(r)}
}

// judgedRelation returns the relation of an entry of FROM; nil if it has none.
func judgedRelation(s *query.Source) *Relation {
	if t, ok := s.Table.(knownRelation); ok {
		return t.Relation
	}
	return nil
}

// newRowSource returns an entry for a row of a relation, visible in addition to FROM.
func (k *checker) newRowSource(alias string, r *Relation) *query.Source {
	s := &query.Source{Alias: alias, Open: r == nil}
	if r != nil {
		s.Table = knownRelation{r, !k.isFullyKnown(r)}
	}
	return s
}

// newTargetRowSource returns an entry for a row of the table that a statement names; one with unknown columns if it is not known.
func (k *checker) newTargetRowSource(rv *pgparse.RangeVar) *query.Source {
	schema, name := pgparse.RangeName(rv)
	r := k.c.findRelation(schema, name)
	if schema == "" && !k.hasPublicSearchPath() || r != nil && !r.Kind.IsTable() && r.Kind != MaterializedView {
		r = nil
	}
	return k.newRowSource(name, r)
}

// newColumnSource is an entry with these columns and no others.
func newColumnSource(alias string, names ...string) *query.Source {
	s := &query.Source{Alias: alias}
	for _, name := range names {
		s.Columns = append(s.Columns, query.Output{Name: name})
	}
	return s
}

// checkQuery checks a query.
func (k *checker) checkQuery(n *pgparse.Node, rows ...*query.Source) {
	k.checkLevel(query.BindStatement(n, k, rows...))
}

// checkExpr checks an expression outside any query.
func (k *checker) checkExpr(n *pgparse.Node, rows ...*query.Source) {
	if n != nil && k.problem == nil {
		k.checkLevel(query.BindExpr(n, k, rows...))
	}
}

// checkLevel checks one query and those inside it, in the order of the server.
func (k *checker) checkLevel(l *query.Level) {
	if l == nil || k.problem != nil {
		return
	}
	for _, c := range l.With {
		k.checkLevel(c.Query)
	}
	for _, arm := range l.Arms {
		k.checkLevel(arm)
	}
	if s, ok := l.Node.(*pgparse.InsertStmt); ok {
		k.checkInsert(s, l)
		return
	}
	k.checkSources(l)
	switch s := l.Node.(type) {
	case *pgparse.UpdateStmt:
		k.checkNames(l, query.Where, query.Targets)
		k.checkAssignments(judgedRelation(l.Target), s.GetTargetList())
	case *pgparse.MergeStmt:
		k.checkNames(l, query.Where, query.When)
		for _, w := range s.GetMergeWhenClauses() {
			k.checkAssignments(judgedRelation(l.Target), w.GetMergeWhenClause().GetTargetList())
		}
	default:
		k.checkNames(l, query.Targets, query.Values, query.Where, query.Having, query.Group, query.Sort, query.Distinct, query.Window, query.Limit)
	}
	k.checkNames(l, query.Returning)
	if l.TooWide {
		k.recordProblem(pgerror.TooManyEntries, itoa(query.MaxOutputs))
	}
}

// checkSources checks FROM from left to right: relations, queries, and the conditions of joins
// in their place.
func (k *checker) checkSources(l *query.Level) {
	nameIndex := 0
	until := func(sees int) {
		for ; nameIndex < len(l.Names) && k.problem == nil; nameIndex++ {
			if n := l.Names[nameIndex]; n.Clause != query.From && n.Clause != query.On {
				continue
			} else if n.Sees > sees {
				return
			}
			k.checkName(l, l.Names[nameIndex])
		}
	}
	for i, s := range l.Sources {
		until(i)
		if s.Range != nil && s.CTE == nil {
			k.resolveRelation(s.Range)
		}
		k.checkLevel(s.Query)
	}
	until(len(l.Sources))
}

// checkAssignments checks what UPDATE and its like set.
func (k *checker) checkAssignments(t *Relation, list []*pgparse.Node) {
	if k.problem == nil {
		k.checkTargets(t, list)
	}
	if k.problem == nil {
		k.checkSetValues(t, list)
	}
}

func (k *checker) checkNames(l *query.Level, clauses ...query.Clause) {
	l.EachName(func(n query.Name) bool {
		k.checkName(l, n)
		return k.problem == nil
	}, clauses...)
}

// checkName checks a name in an expression.
func (k *checker) checkName(l *query.Level, n query.Name) {
	if k.problem != nil {
		return
	}
	k.checkLevel(n.Query)
	switch m := n.Node.(type) {
	case *pgparse.ColumnRef:
		k.checkColumn(l, n, m)
	case *pgparse.FuncCall:
		k.checkCall(m)
	}
}

// checkColumn checks a name: no entry of FROM around it has such a column, and it
// is none of the other things that a name may be.
func (k *checker) checkColumn(l *query.Level, n query.Name, ref *pgparse.ColumnRef) {
	fields := ref.GetFields()
	if k.block || pgparse.EndsInStar(ref) || len(fields) == 0 || len(fields) > 2 {
		return
	}
	meanings := l.Resolve(n)
	name := clipName(pgparse.LastText(fields))
	for _, m := range meanings {
		if len(fields) == 2 && m.Level != meanings[0].Level {
			break // the nearest entry of that name is meant
		}
		if !k.sourceLacksColumn(m) {
			return
		}
	}
	switch {
	case len(fields) == 2:
		if len(meanings) > 0 && !builtin.TakesRow(name) && !k.mayBeFunctionCall(name) {
			k.recordProblem(pgerror.ColumnMissingOf, clipName(pgparse.StringText(fields[0])), name)
		}
	case !IsSystemColumn(name) && !isOutputName(l, n.Clause, name):
		k.recordProblem(pgerror.ColumnMissingAlone, name)
	}
}

// isOutputName reports whether a name may be one of the output, which ORDER BY and
// GROUP BY may use, and queries in them.
func isOutputName(l *query.Level, clause query.Clause, name string) bool {
	for ; l != nil; l = l.Outer {
		if clause >= query.Group && clause <= query.Limit && slices.ContainsFunc(l.Outputs, func(o query.Output) bool { return o.Name == name }) {
			return true
		}
		clause = l.Clause
	}
	return false
}

// sourceLacksColumn reports whether it is certain that an entry of FROM has no such
// column.
func (k *checker) sourceLacksColumn(m query.Meaning) bool {
	if m.Known || IsSystemColumn(m.Column) {
		return false
	}
	if r := judgedRelation(m.Source); r != nil && !m.Source.Renamed {
		return k.isColumnAbsent(r, m.Column)
	}
	return m.Source.Lacks(m.Column)
}

// mayBeFunctionCall reports whether t.name may be a call of a function with the row.
func (k *checker) mayBeFunctionCall(name string) bool {
	found := false
	k.c.EachFunction(func(f *Function) bool {
		found = f.Name.Name == name
		return !found
	})
	return found
}
