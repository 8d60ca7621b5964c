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

// problem is what stands against a query at a point.
type problem struct {
	kind     onward.VerdictKind
	severity onward.Severity
	state    string
	message  string
	// same tells problems of a kind apart that go on although their words change; "":
	// the words do.
	same string
}

// result is what a query gives, at a moment.
type result struct {
	columns []field
	at      *moment
}

func (r result) typed(i int) string {
	f := r.columns[i]
	return r.at.schema.spelling[f.oid] + modified(r.at.schema.spelling[f.oid], f.modifier)
}

// modified is a type's modifier, as it is written behind those that code meets most.
func modified(name string, modifier int32) string {
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

func (r result) column(name string) int {
	return slices.IndexFunc(r.columns, func(f field) bool { return f.name == name })
}

// shape compares a result with what the code was written for.
func shape(was, is result, named bool) []problem {
	if more, ok := was.within(is); ok {
		if len(more) == 0 {
			return nil
		}
		return []problem{shaped(onward.Warning, named, []string{"it gives more columns: " + strings.Join(more, ", ")})}
	}
	var hard, soft []string
	for i, f := range was.columns {
		j := is.column(f.name)
		switch called := is.renamed(f); {
		case j < 0 && called != "":
			hard = append(hard, fmt.Sprintf("column %q is called %q", f.name, called))
		case j < 0:
			hard = append(hard, fmt.Sprintf("column %q is gone", f.name))
		case was.column(f.name) != i:
			// The name stands there twice: what can be compared is its place.
			if i >= len(is.columns) || is.columns[i].name != f.name || is.typed(i) != was.typed(i) {
				hard = append(hard, fmt.Sprintf("column %d was %q", i+1, f.name))
			}
		case is.typed(j) != was.typed(i) && alike(was.at.schema.spelling[f.oid], is.at.schema.spelling[is.columns[j].oid]):
			soft = append(soft, fmt.Sprintf("column %q is %s, and was %s", f.name, is.typed(j), was.typed(i)))
		case is.typed(j) != was.typed(i):
			hard = append(hard, fmt.Sprintf("column %q is %s, and was %s", f.name, is.typed(j), was.typed(i)))
		}
	}
	if len(hard) == 0 && moved(was, is) {
		hard = append(hard, "its columns have another order")
	}
	if n := len(is.columns) - len(was.columns); n > 0 && len(hard) == 0 {
		var added []string
		for _, f := range is.columns {
			if was.column(f.name) < 0 {
				added = append(added, fmt.Sprintf("%q", f.name))
			}
		}
		soft = append(soft, "it gives more columns: "+strings.Join(added, ", "))
	}
	if len(hard) > 0 {
		return []problem{shaped(onward.Error, named, append(hard, soft...))}
	}
	if len(soft) > 0 && (named || len(is.columns) > len(was.columns)) {
		return []problem{shaped(onward.Warning, named, soft)}
	}
	return nil
}

// within reports whether all columns stand in another result in their order, of the same
// names and types, and which stand between them: names may stand there twice.
func (r result) within(other result) (more []string, ok bool) {
	at := 0
	for i, f := range other.columns {
		if at < len(r.columns) && r.columns[at].name == f.name && r.typed(at) == other.typed(i) {
			at++
		} else {
			more = append(more, fmt.Sprintf("%q", f.name))
		}
	}
	return more, at == len(r.columns)
}

// renamed is what a column of a table is called now.
func (r result) renamed(f field) string {
	for _, other := range r.columns {
		if f.number != 0 && other.table == f.table && other.number == f.number {
			return other.name
		}
	}
	return ""
}

func shaped(severity onward.Severity, named bool, words []string) problem {
	p := problem{kind: onward.VerdictResultShape, severity: severity, same: severity.String(), message: "the result has another shape: " + strings.Join(words, "; ")}
	if named {
		p.state, p.message = cachedPlanState, cachedPlan+": "+strings.Join(words, "; ")
		if severity == onward.Warning {
			p.message += "; each connection that has it prepared fails once"
		}
	}
	return p
}

// moved reports whether columns that stayed stand in another order.
func moved(was, is result) bool {
	last := -1
	for i, f := range was.columns {
		if j := is.column(f.name); j >= 0 && was.column(f.name) == i {
			if j < last {
				return true
			}
			last = j
		}
	}
	return false
}

// alike: values of the two types are the same to whoever reads them.
func alike(a, b string) bool {
	text := func(s string) bool { return s == "text" || s == "character varying" || s == "citext" }
	return a == b || text(a) && text(b)
}

// nullable finds columns of a result that could not be NULL, and can be.
func nullable(was, is result) []problem {
	var out []problem
	for _, f := range was.columns {
		j := is.column(f.name)
		if j < 0 {
			continue
		}
		before, after := was.at.of(f), is.at.of(is.columns[j])
		if before != nil && after != nil && before.NotNull && !after.NotNull {
			out = append(out, problem{kind: onward.VerdictResultShape, severity: onward.Warning, message: fmt.Sprintf("column %q of the result could not be NULL, and can be now", f.name)})
		}
	}
	return out
}

// of is the column of a table that a field is, as it stands; nil for an expression.
func (m *moment) of(f field) *column {
	r := m.relations[f.table]
	if r == nil || f.number == 0 || int(f.number) > len(r.Columns) {
		return nil
	}
	return &r.Columns[f.number-1]
}
