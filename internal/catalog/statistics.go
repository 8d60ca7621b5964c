package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

const statisticsObject = "statistics object"

// https://www.postgresql.org/docs/current/sql-createstatistics.html
func (f *fold) createStatistics(s *pgparse.CreateStatsStmt) {
	if len(s.GetRelations()) == 0 {
		return
	}
	t := f.requireRelation(s.GetRelations()[0].GetRangeVar(), Table, false)
	if t == nil {
		return
	}
	t = f.editRelation(t.OID)
	o := &Object{Kind: statisticsObject, Table: t.OID}
	var names []string
	for _, n := range s.GetExprs() {
		e := n.GetStatsElem()
		if e.GetName() != "" {
			if c := f.requireColumn(t.OID, e.GetName(), false); c != nil {
				o.Columns = append(o.Columns, c.Attnum)
			}
			names = append(names, e.GetName())
			continue
		}
		o.Columns = mergeAttnums(o.Columns, t.attnumsIn(e.GetExpr()))
		names = append(names, "expr")
	}
	if len(s.GetDefnames()) > 0 {
		schema, n := pgparse.SchemaAndName(s.GetDefnames())
		o.Name = f.fullNameForCreate(schema, n)
	} else {
		o.Name = f.chooseStatisticsName(t, names)
	}
	if f.Object(statisticsObject, o.Name) != nil {
		if !s.GetIfNotExists() {
			f.addProblem(f.isHistoryComplete(), pgerror.ObjectExists, "statistics object", o.Name.Name)
		}
		return
	}
	f.storeObject(o)
	t.copyRare().Statistics = appendShared(f, t.Statistics, o.Name)
}

// chooseStatisticsName is ChooseExtendedStatisticName.
func (f *fold) chooseStatisticsName(t *Relation, names []string) Name {
	label := "stat"
	for i := 1; ; i++ {
		name := Name{t.Name.Schema, objectName(t.Name.Name, joinNames(names), label)}
		if f.Object(statisticsObject, name) == nil {
			return name
		}
		label = "stat" + itoa(i)
	}
}

// cloneStatistics copies a statistics object for LIKE … INCLUDING STATISTICS.
func (f *fold) cloneStatistics(src, t *Relation, name Name) {
	o := f.Object(statisticsObject, name)
	if o == nil {
		return
	}
	next := *o
	next.Table, next.Columns = t.OID, mapAttnums(src, t, o.Columns)
	next.Name = f.chooseStatisticsName(t, t.ColumnNames(next.Columns))
	f.storeObject(&next)
	t.copyRare().Statistics = appendShared(f, t.Statistics, next.Name)
}

// forgetStatistics takes a dropped statistics object off its table.
func (f *fold) forgetStatistics(o *Object) {
	if t := f.editRelation(o.Table); t != nil {
		t.copyRare().Statistics = slices.DeleteFunc(slices.Clone(t.Statistics), func(n Name) bool { return n == o.Name })
	}
}
