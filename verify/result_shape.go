package verify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// The server's words for a prepared statement whose result has another shape
// (RevalidateCachedQuery in src/backend/utils/cache/plancache.c).
const (
	cachedPlan      = "cached plan must not change result type"
	cachedPlanState = "0A000"
)

// problem is a problem of a query at a point.
type problem struct {
	kind     onward.VerdictKind
	severity onward.Severity
	state    string
	message  string
	// identity tells problems of a kind apart that go on although their words change; "":
	// the words do.
	identity string
	nullable string // the column of the result that can be NULL now
}

// result is what a query gives, at a moment.
type result struct {
	columns []resultColumn
	at      *moment
}

func (r result) columnType(i int) string {
	f := r.columns[i]
	return r.at.schema.typeNames[f.oid] + formatModifier(r.at.schema.typeNames[f.oid], f.modifier)
}

// formatModifier returns a type's modifier as SQL writes it after the most frequent types.
func formatModifier(name string, modifier int32) string {
	switch {
	case modifier < 0:
		return ""
	case strings.HasPrefix(name, "character"):
		return fmt.Sprintf("(%d)", modifier-4)
	case name == "numeric":
		return fmt.Sprintf("(%d,%d)", (modifier-4)>>16&0xffff, (modifier-4)&0x7ff)
	case strings.HasPrefix(name, "time"):
		return fmt.Sprintf("(%d)", modifier)
	}
	return fmt.Sprintf(" with the modifier %d", modifier)
}

func (r result) columnIndex(name string) int {
	return slices.IndexFunc(r.columns, func(f resultColumn) bool { return f.name == name })
}

// compareShapes compares a result with what the code was written for.
func compareShapes(old, current result, isNamed bool) []problem {
	if more, ok := old.extraColumns(current); ok {
		if len(more) == 0 {
			return nil
		}
		return []problem{shapeProblem(onward.Warning, isNamed, []string{"it gives more columns: " + strings.Join(more, ", ")})}
	}
	var hard, soft []string
	for i, f := range old.columns {
		j := current.columnIndex(f.name)
		switch called := current.currentName(f); {
		case j < 0 && called != "":
			hard = append(hard, fmt.Sprintf("column %q is called %q", f.name, called))
		case j < 0:
			hard = append(hard, fmt.Sprintf("column %q is gone", f.name))
		case old.columnIndex(f.name) != i:
			// The name occurs twice: only its place can be compared.
			if i >= len(current.columns) || current.columns[i].name != f.name || current.columnType(i) != old.columnType(i) {
				hard = append(hard, fmt.Sprintf("column %d was %q", i+1, f.name))
			}
		case current.columnType(j) != old.columnType(i) && hasSameValues(old.at.schema.typeNames[f.oid], current.at.schema.typeNames[current.columns[j].oid]):
			soft = append(soft, fmt.Sprintf("column %q is %s, and was %s", f.name, current.columnType(j), old.columnType(i)))
		case current.columnType(j) != old.columnType(i):
			hard = append(hard, fmt.Sprintf("column %q is %s, and was %s", f.name, current.columnType(j), old.columnType(i)))
		}
	}
	if len(hard) == 0 && hasReorderedColumns(old, current) {
		hard = append(hard, "its columns have another order")
	}
	if n := len(current.columns) - len(old.columns); n > 0 && len(hard) == 0 {
		var added []string
		for _, f := range current.columns {
			if old.columnIndex(f.name) < 0 {
				added = append(added, fmt.Sprintf("%q", f.name))
			}
		}
		soft = append(soft, "it gives more columns: "+strings.Join(added, ", "))
	}
	if len(hard) > 0 {
		return []problem{shapeProblem(onward.Error, isNamed, append(hard, soft...))}
	}
	if len(soft) > 0 && (isNamed || len(current.columns) > len(old.columns)) {
		return []problem{shapeProblem(onward.Warning, isNamed, soft)}
	}
	return nil
}

// extraColumns reports whether another result has all columns in their order, with the same names and types, and
// returns the columns between them: names may occur twice.
func (r result) extraColumns(other result) (more []string, ok bool) {
	matched := 0
	for i, f := range other.columns {
		if matched < len(r.columns) && r.columns[matched].name == f.name && r.columnType(matched) == other.columnType(i) {
			matched++
		} else {
			more = append(more, fmt.Sprintf("%q", f.name))
		}
	}
	return more, matched == len(r.columns)
}

// currentName is what a column of a table is called now.
func (r result) currentName(f resultColumn) string {
	for _, other := range r.columns {
		if f.number != 0 && other.table == f.table && other.number == f.number {
			return other.name
		}
	}
	return ""
}

func shapeProblem(severity onward.Severity, isNamed bool, words []string) problem {
	p := problem{
		kind:     onward.VerdictResultShape,
		severity: severity,
		identity: severity.String(),
		message:  "the result has another shape: " + strings.Join(words, "; "),
	}
	if isNamed {
		p.state, p.message = cachedPlanState, cachedPlan+": "+strings.Join(words, "; ")
		if severity == onward.Warning {
			p.message += "; each connection that has it prepared fails once"
		}
	}
	return p
}

// hasReorderedColumns reports whether columns that stayed have another order.
func hasReorderedColumns(old, current result) bool {
	last := -1
	for i, f := range old.columns {
		if j := current.columnIndex(f.name); j >= 0 && old.columnIndex(f.name) == i {
			if j < last {
				return true
			}
			last = j
		}
	}
	return false
}

// hasSameValues: values of the two types are the same to whoever reads them.
func hasSameValues(a, b string) bool {
	text := func(s string) bool { return s == "text" || s == "character varying" || s == "citext" }
	return a == b || text(a) && text(b)
}

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
