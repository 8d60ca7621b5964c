package verify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// nullableProblems finds columns of a result that could not be NULL, and can be. Columns of views are skipped: the server does not know whether they can be NULL.
func nullableProblems(old, current result) []problem {
	var out []problem
	for _, f := range old.columns {
		j := current.columnIndex(f.name)
		if j < 0 {
			continue
		}
		before, after := old.at.tableColumn(f), current.at.tableColumn(current.columns[j])
		if before != nil && after != nil && before.NotNull && !after.NotNull {
			out = append(out, problem{
				kind:     onward.VerdictResultShape,
				severity: onward.Warning,
				message:  fmt.Sprintf("column %q of the result could not be NULL, and can be now", f.name),
				nullable: f.name,
			})
		}
	}
	return out
}

// mergeNullable joins the verdicts on columns that can be NULL between the same two points. columns
// has their names by index.
func mergeNullable(list []onward.Verdict, columns map[int]string) []onward.Verdict {
	var out []onward.Verdict
	first := map[[2]int]int{} // by the two points, in out
	names := map[int][]string{}
	for i, v := range list {
		key := [2]int{v.Point, v.UntilPoint}
		index, merged := first[key]
		switch {
		case columns[i] == "":
			out = append(out, v)
			continue
		case !merged:
			index = len(out)
			first[key] = index
			out = append(out, v)
		}
		names[index] = append(names[index], fmt.Sprintf("%q", columns[i]))
	}
	for index, list := range names {
		if len(list) > 1 {
			out[index].Message = fmt.Sprintf("columns %s of the result could not be NULL, and can be now", strings.Join(list, ", "))
		}
	}
	return out
}

// tableColumn returns the table's column that a field shows; nil for an expression, and for a column of a view.
func (m *moment) tableColumn(f resultColumn) *column {
	r := m.relations[f.table]
	if r == nil || r.Kind == "v" || r.Kind == "m" || f.number == 0 || int(f.number) > len(r.Columns) {
		return nil
	}
	return &r.Columns[f.number-1]
}

// rowProblems finds columns of a result that are whole rows, and whose rows have other columns now.
func rowProblems(old, current result) []problem {
	var out []problem
	for _, f := range old.columns {
		j := current.columnIndex(f.name)
		if j < 0 {
			continue
		}
		before, after := old.at.rowRelation(f.oid), current.at.rowRelation(current.columns[j].oid)
		if before == nil || after == nil {
			continue
		}
		if words := before.describeRowChange(after); words != "" {
			out = append(out, problem{
				kind:     onward.VerdictResultShape,
				severity: onward.Warning,
				message:  fmt.Sprintf("column %q of the result is a row, and the row has other columns: %s", f.name, words),
				identity: "row " + f.name,
			})
		}
	}
	return out
}

// rowRelation returns the relation whose row a type is; nil for another type.
func (m *moment) rowRelation(oid uint32) *relation {
	return m.relations[m.schema.rowTypes[oid]]
}

// describeRowChange describes how the columns of a row differ from another; "" if they do not.
func (r *relation) describeRowChange(other *relation) string {
	before, after := r.liveColumns(), other.liveColumns()
	var words []string
	for _, c := range before {
		switch now := other.findColumn(c.Name); {
		case now == nil:
			words = append(words, fmt.Sprintf("%q is gone", c.Name))
		case now.Type != c.Type:
			words = append(words, fmt.Sprintf("%q is %s, and was %s", c.Name, now.Type, c.Type))
		}
	}
	for _, c := range after {
		if r.findColumn(c.Name) == nil {
			words = append(words, fmt.Sprintf("%q is new", c.Name))
		}
	}
	sameName := func(a, b column) bool { return a.Name == b.Name }
	if len(words) == 0 && !slices.EqualFunc(before, after, sameName) {
		return "they have another order"
	}
	return strings.Join(words, ", ")
}

// liveColumns returns the columns that were not dropped.
func (r *relation) liveColumns() []column {
	return slices.DeleteFunc(slices.Clone(r.Columns), func(c column) bool { return c.Name == "" })
}
