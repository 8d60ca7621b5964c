package verify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/query"
	"github.com/onward-sql/onward/internal/refuse"
	"github.com/onward-sql/onward/onward"
)

// written is what a query writes of a table.
type written struct {
	columns                   map[string]bool
	inserts, updates, deletes bool
}

func (w *written) any(columns []string) bool {
	return slices.ContainsFunc(columns, func(name string) bool { return w.columns[name] })
}

// written are the tables that a query writes to at the base, and their columns.
func (q *recorded) written(base *moment) map[uint32]*written {
	out := map[uint32]*written{}
	first := &q.states[0]
	at := func(oid uint32) *written {
		if out[oid] == nil {
			out[oid] = &written{columns: map[string]bool{}}
		}
		return out[oid]
	}
	for _, w := range slices.Concat(q.writes, q.merges) {
		r := base.target(w, first)
		if r == nil {
			continue
		}
		targets := []*relation{r}
		if r.Kind == "v" { // what it writes to, by the names of the view
			targets = nil
			for oid, held := range first.relations {
				if t := base.relations[oid]; t != nil && t.Kind != "v" && mode(held) >= onward.RowExclusiveLock {
					targets = append(targets, t)
				}
			}
		}
		for _, t := range targets {
			to := at(t.OID)
			names := w.columns
			switch w.how {
			case query.Inserts:
				to.inserts, names = true, r.given(w)
			case query.Updates:
				to.updates = true
			case query.Deletes:
				to.deletes = true
			}
			for _, name := range names {
				to.columns[name] = true
			}
		}
	}
	return out
}

// rejections finds new conditions on what a query writes.
func (c *checker) rejections(q *recorded, base, m *moment) []problem {
	var out []problem
	may := func(state, message string) {
		out = append(out, problem{kind: onward.VerdictRejected, severity: onward.Warning, state: state, message: message})
	}
	for oid, w := range q.written(base) {
		before, after := base.relations[oid], m.relations[oid]
		if before == nil || after == nil {
			continue
		}
		constraints(w, before, after, may)
		for i := range after.Columns {
			col := &after.Columns[i]
			if !w.columns[col.Name] || !w.inserts && !w.updates {
				continue
			}
			old := before.column(col.Name)
			if old == nil {
				continue
			}
			if col.NotNull && !old.NotNull && !slices.ContainsFunc(after.Checks, func(k constraint) bool { return k.Type == "c" && requires(k.Def, col.Name) }) {
				may(refuse.NullValue.State, refuse.NullValue.Of(col.Name, after.Name).Message())
			}
			values(base, m, old, col, may)
		}
		if c.secured(q, base, m, before, after) && (w.inserts || w.updates) {
			may("42501", fmt.Sprintf("new row violates row-level security policy for table %q", after.Name))
		}
	}
	slices.SortFunc(out, func(a, b problem) int { return strings.Compare(a.message, b.message) })
	return out
}

// constraints finds new ones of a table.
func constraints(w *written, before, after *relation, may func(state, message string)) {
	for _, k := range after.Checks {
		if slices.ContainsFunc(before.Checks, func(o constraint) bool {
			return strings.TrimSuffix(o.Def, " NOT VALID") == strings.TrimSuffix(k.Def, " NOT VALID") && o.Refers == k.Refers && o.On == k.On
		}) {
			continue
		}
		if k.Type == "c" && len(k.Columns) == 1 && requires(k.Def, k.Columns[0]) && after.column(k.Columns[0]).NotNull {
			continue // it says what is so already
		}
		writes := w.any(k.Columns) || k.Type == "c" && len(k.Columns) == 0
		switch {
		case k.Refers && (w.deletes && k.Deletes || w.updates && k.Updates && writes):
			may("23503", fmt.Sprintf("update or delete on table %q violates foreign key constraint %q on table %q", after.Name, k.Name, k.On))
		case k.Refers || !w.inserts && !w.updates:
		case k.Type == "c" && (writes || w.updates && !k.Valid): // any change of a row that breaks it already
			may(refuse.CheckViolated.State, refuse.CheckViolated.Of(after.Name, k.Name).Message())
		case k.Type == "f" && writes:
			may("23503", fmt.Sprintf("insert or update on table %q violates foreign key constraint %q", after.Name, k.Name))
		case k.Type == "x" && writes:
			may("23P01", fmt.Sprintf("conflicting key value violates exclusion constraint %q", k.Name))
		}
	}
	for _, u := range after.Uniques {
		if slices.ContainsFunc(before.Uniques, func(o unique) bool { return o.Def == u.Def }) || !w.inserts && !w.updates {
			continue
		}
		if w.any(u.Columns) || u.Computed && len(u.Columns) == 0 {
			may("23505", fmt.Sprintf("duplicate key value violates unique constraint %q", u.Name))
		}
	}
}

// values finds that a column takes less than it did.
func values(base, m *moment, old, col *column, may func(state, message string)) {
	before, after := base.kinds[old.TypeOID], m.kinds[col.TypeOID]
	switch {
	case after != nil && before != nil && len(before.labels) > 0:
		for _, label := range before.labels {
			if !slices.Contains(after.labels, label) {
				may(refuse.ValueLabel.State, refuse.ValueLabel.Of(after.name, label).Message())
			}
		}
	case after != nil:
		for name, def := range after.checks {
			if before == nil || before.checks[name] != def {
				may("23514", fmt.Sprintf("value for domain %s violates check constraint %q", after.name, name))
			}
		}
		if len(after.labels) > 0 && old.Type != col.Type {
			may(refuse.ValueLabel.State, fmt.Sprintf("column %q is %s, and was %s: a value that is none of its labels is refused", col.Name, col.Type, old.Type))
		}
	case old.Type == col.Type:
	case narrower(old.Type, col.Type):
		may("22001", refuse.ValueTooLong.Of(col.Type).Message())
	case integers[old.Type] > integers[col.Type] && integers[col.Type] > 0:
		may("22003", refuse.ValueRange.Of(col.Type).Message())
	case texts(old.Type) && !texts(col.Type):
		may(refuse.ValueSyntax.State, fmt.Sprintf("column %q is %s, and was %s: a value that is none is refused", col.Name, col.Type, old.Type))
	}
}

var integers = map[string]int{"smallint": 1, "integer": 2, "bigint": 3}

func texts(name string) bool {
	return name == "text" || strings.HasPrefix(name, "character")
}

// narrower reports whether a type of texts takes shorter ones than another.
func narrower(was, is string) bool {
	return texts(was) && texts(is) && length(is) > 0 && (length(was) == 0 || length(is) < length(was))
}

func length(name string) (n int) {
	if _, rest, ok := strings.Cut(name, "("); ok {
		_, _ = fmt.Sscanf(rest, "%d", &n)
	}
	return n
}

// secured reports whether new conditions on rows hold for who sends a query.
func (c *checker) secured(q *recorded, base, m *moment, before, after *relation) bool {
	if !after.Secured || before.Secured && before.Policies == after.Policies && before.Forced == after.Forced {
		return false
	}
	who, known := m.schema.roles[q.Role]
	switch {
	case after.Forced && !known:
		return true // the owner, too
	case !known || who.super || who.bypass:
		return false
	}
	return after.Forced || q.Role != after.Owner
}

// unreadable finds labels in what a query gives that the code cannot know.
func unreadable(was, is result) []problem {
	var out []problem
	for _, f := range was.columns {
		before := was.at.enum(f.oid)
		j := is.column(f.name)
		if before == nil || j < 0 {
			continue
		}
		after := is.at.enum(is.columns[j].oid)
		if after == nil || after.name != before.name {
			continue
		}
		for _, label := range after.labels {
			if !slices.Contains(before.labels, label) {
				out = append(out, problem{kind: onward.VerdictUnreadable, severity: onward.Warning,
					message: fmt.Sprintf("column %q of the result may be %q, a new label of %s: code that knows the others only cannot read it", f.name, label, after.name)})
			}
		}
	}
	return out
}

// enum is the enum that a type is, or is made of.
func (m *moment) enum(oid uint32) *kind {
	for range 4 {
		k := m.kinds[oid]
		if k == nil || len(k.labels) > 0 {
			return k
		}
		for _, of := range k.of {
			if of != 0 {
				oid = of
			}
		}
	}
	return nil
}
