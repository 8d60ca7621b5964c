package verify

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/query"
	"github.com/onward-sql/onward/onward"
)

// tableWrites is what a query writes of a table.
type tableWrites struct {
	columns                   map[string]bool
	inserts, updates, deletes bool
}

func (w *tableWrites) writesAny(columns []string) bool {
	return slices.ContainsFunc(columns, func(name string) bool { return w.columns[name] })
}

// writtenTables are the tables that a query writes to at the base, and their columns.
func (q *recordedQuery) writtenTables(base *moment) map[uint32]*tableWrites {
	out := map[uint32]*tableWrites{}
	first := &q.states[0]
	writesTo := func(oid uint32) *tableWrites {
		if out[oid] == nil {
			out[oid] = &tableWrites{columns: map[string]bool{}}
		}
		return out[oid]
	}
	for _, w := range slices.Concat(q.writes, q.merges) {
		r := base.writeTarget(w, first)
		if r == nil {
			continue
		}
		targets := []*relation{r}
		if r.Kind == "v" { // what it writes to, by the names of the view
			targets = nil
			for oid, modeText := range first.relations {
				if t := base.relations[oid]; t != nil && t.Kind != "v" && parseLockMode(modeText) >= onward.RowExclusiveLock {
					targets = append(targets, t)
				}
			}
		}
		for _, t := range targets {
			to := writesTo(t.OID)
			names := w.columns
			switch w.how {
			case query.Inserts:
				to.inserts, names = true, r.insertColumns(w)
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

// rejectionProblems finds new conditions on what a query writes.
func (c *checker) rejectionProblems(q *recordedQuery, base, m *moment) []problem {
	var out []problem
	addRejection := func(state, message string) {
		out = append(out, problem{kind: onward.VerdictRejected, severity: onward.Warning, state: state, message: message})
	}
	for oid, w := range q.writtenTables(base) {
		before, after := base.relations[oid], m.relations[oid]
		if before == nil || after == nil {
			continue
		}
		findNewConstraints(w, before, after, addRejection)
		for i := range after.Columns {
			col := &after.Columns[i]
			if !w.columns[col.Name] || !w.inserts && !w.updates {
				continue
			}
			old := before.findColumn(col.Name)
			if old == nil {
				continue
			}
			if col.NotNull && !old.NotNull && !slices.ContainsFunc(after.Checks, func(k constraint) bool { return k.Type == "c" && requiresNotNull(k.Def, col.Name) }) {
				addRejection(pgerror.NullValue.SQLSTATE, pgerror.NullValue.NewRefusal(col.Name, after.Name).Message())
			}
			if !c.namesLabels(q, base, old.TypeOID) {
				findNarrowedValues(base, m, old, col, addRejection)
			}
		}
		for _, t := range after.findNewTriggers(before, w) {
			if t.raisesErrors() {
				addRejection("P0001", fmt.Sprintf("trigger %q of table %q may raise an error", t.Name, after.Name))
			}
		}
		for _, text := range lostPartitions(base, m, before, w) {
			addRejection("23514", text)
		}
		if c.hasNewRowSecurity(q, m, before, after) && (w.inserts || w.updates) {
			addRejection("42501", fmt.Sprintf("new row violates row-level security policy for table %q", after.Name))
		}
	}
	slices.SortFunc(out, func(a, b problem) int { return strings.Compare(a.message, b.message) })
	return out
}

// findNewConstraints finds new ones of a table.
func findNewConstraints(w *tableWrites, before, after *relation, addRejection func(state, message string)) {
	for _, k := range after.Checks {
		if slices.ContainsFunc(before.Checks, func(o constraint) bool {
			return strings.TrimSuffix(o.Def, " NOT VALID") == strings.TrimSuffix(k.Def, " NOT VALID") && o.Refers == k.Refers && o.On == k.On
		}) {
			continue
		}
		if k.Type == "c" && len(k.Columns) == 1 && requiresNotNull(k.Def, k.Columns[0]) && after.findColumn(k.Columns[0]).NotNull {
			continue // it says what is so already
		}
		writes := w.writesAny(k.Columns) || k.Type == "c" && len(k.Columns) == 0
		switch {
		case k.Refers && (w.deletes && k.Deletes || w.updates && k.Updates && writes):
			addRejection("23503", fmt.Sprintf("update or delete on table %q violates foreign key constraint %q on table %q", after.Name, k.Name, k.On))
		case k.Refers || !w.inserts && !w.updates:
		case k.Type == "c" && (writes || w.updates && !k.Valid): // any change of a row that breaks it already
			addRejection(pgerror.CheckViolated.SQLSTATE, pgerror.CheckViolated.NewRefusal(after.Name, k.Name).Message())
		case k.Type == "f" && writes:
			addRejection("23503", fmt.Sprintf("insert or update on table %q violates foreign key constraint %q", after.Name, k.Name))
		case k.Type == "x" && writes:
			addRejection("23P01", fmt.Sprintf("conflicting key value violates exclusion constraint %q", k.Name))
		}
	}
	for _, u := range after.Uniques {
		if slices.ContainsFunc(before.Uniques, func(o unique) bool { return o.Def == u.Def }) || !w.inserts && !w.updates {
			continue
		}
		if w.writesAny(u.Columns) || u.Computed && len(u.Columns) == 0 {
			addRejection("23505", fmt.Sprintf("duplicate key value violates unique constraint %q", u.Name))
		}
	}
}

// findNarrowedValues finds that a column takes less than it did.
func findNarrowedValues(base, m *moment, old, col *column, addRejection func(state, message string)) {
	before, after := base.valueTypes[old.TypeOID], m.valueTypes[col.TypeOID]
	switch {
	case after != nil && before != nil && len(before.labels) > 0:
		for _, label := range before.labels {
			if !slices.Contains(after.labels, label) {
				addRejection(pgerror.ValueLabel.SQLSTATE, pgerror.ValueLabel.NewRefusal(after.name, label).Message())
			}
		}
	case after != nil:
		for name, def := range after.checks {
			if before == nil || before.checks[name] != def {
				addRejection("23514", fmt.Sprintf("value for domain %s violates check constraint %q", after.name, name))
			}
		}
		if len(after.labels) > 0 && old.Type != col.Type {
			addRejection(pgerror.ValueLabel.SQLSTATE,
				fmt.Sprintf("column %q is %s, and was %s: a value that is none of its labels is refused", col.Name, col.Type, old.Type))
		}
	case old.Type == col.Type:
	case isNarrower(old.Type, col.Type):
		addRejection("22001", pgerror.ValueTooLong.NewRefusal(col.Type).Message())
	case integerWidth[old.Type] > integerWidth[col.Type] && integerWidth[col.Type] > 0:
		addRejection("22003", pgerror.ValueRange.NewRefusal(col.Type).Message())
	case isTextType(old.Type) && !isTextType(col.Type):
		addRejection(pgerror.ValueSyntax.SQLSTATE, fmt.Sprintf("column %q is %s, and was %s: a value that is none is refused", col.Name, col.Type, old.Type))
	}
}

var integerWidth = map[string]int{"smallint": 1, "integer": 2, "bigint": 3}

func isTextType(name string) bool {
	return name == "text" || strings.HasPrefix(name, "character")
}

// isNarrower reports whether a type of texts takes shorter ones than another.
func isNarrower(before, after string) bool {
	return isTextType(before) && isTextType(after) && typeLength(after) > 0 && (typeLength(before) == 0 || typeLength(after) < typeLength(before))
}

func typeLength(name string) (n int) {
	if _, rest, ok := strings.Cut(name, "("); ok {
		_, _ = fmt.Sscanf(rest, "%d", &n)
	}
	return n
}

// hasNewRowSecurity reports whether new conditions on rows hold for who sends a query.
func (c *checker) hasNewRowSecurity(q *recordedQuery, m *moment, before, after *relation) bool {
	if !after.Secured || before.Secured && before.Policies == after.Policies && before.Forced == after.Forced {
		return false
	}
	queryRole, known := m.schema.roles[q.Role]
	switch {
	case after.Forced && !known:
		return true // the owner, too
	case !known || queryRole.super || queryRole.bypass:
		return false
	}
	return after.Forced || q.Role != after.Owner
}

// newEnumLabelProblems finds labels in what a query gives that the code cannot know.
func newEnumLabelProblems(old, current result) []problem {
	var out []problem
	for _, f := range old.columns {
		before := old.at.enumType(f.oid)
		j := current.columnIndex(f.name)
		if before == nil || j < 0 {
			continue
		}
		after := current.at.enumType(current.columns[j].oid)
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

// enumType is the enum that a type is, or is made of.
func (m *moment) enumType(oid uint32) *valueType {
	for range 4 {
		k := m.valueTypes[oid]
		if k == nil || len(k.labels) > 0 {
			return k
		}
		for _, part := range k.parts {
			if part != 0 {
				oid = part
			}
		}
	}
	return nil
}

// trigger is an enabled trigger of a table.
type trigger struct {
	Name string
	// Type has the bits of pg_trigger.tgtype.
	Type int
	// When is its definition, with its condition and columns.
	When           string
	Language, Body string
	// Own: its function is none of the server's.
	Own bool
}

// The bits of pg_trigger.tgtype (src/include/catalog/pg_trigger.h).
const (
	triggerRow, triggerBefore                   = 1, 2
	triggerInsert, triggerDelete, triggerUpdate = 4, 8, 16
)

// findNewTriggers are those that a query sets off, and that are new or changed.
func (r *relation) findNewTriggers(before *relation, w *tableWrites) []trigger {
	var out []trigger
	for _, t := range r.Triggers {
		sets := w.inserts && t.Type&triggerInsert != 0 || w.updates && t.Type&triggerUpdate != 0 || w.deletes && t.Type&triggerDelete != 0
		if sets && t.Own && !slices.Contains(before.Triggers, t) {
			out = append(out, t)
		}
	}
	return out
}

var (
	plpgsqlComment = lazyregexp.New(`(?s)/\*.*?\*/|--[^\n]*`)
	plpgsqlRaise   = lazyregexp.New(`(?i)\bassert\b|\braise\s*(;|exception\b|sqlstate\b|'|[a-z_]+\s*(;|using\b))`)
	plpgsqlNotice  = lazyregexp.New(`(?i)\braise\s+(notice|warning|info|log|debug)\b`)
	plpgsqlQuery   = lazyregexp.New(`(?i)\b(select|insert\s+into|update|delete\s+from|merge|perform|execute|call|return\s+null)\b`)
	plpgsqlFill    = lazyregexp.New(`(?i)\bnew\s*:?=|\binto\s+(strict\s+)?new\b`)
)

// bodyCode is its function's body without comments, in upper and lower case as it is written.
func (t *trigger) bodyCode() string { return plpgsqlComment.ReplaceAllString(t.Body, " ") }

// raisesErrors reports whether its function raises errors under some condition.
func (t *trigger) raisesErrors() bool {
	return t.Language == "plpgsql" && plpgsqlRaise.MatchString(plpgsqlNotice.ReplaceAllString(t.bodyCode(), "note"))
}

// runsStatements reports whether its function does more than compare, set columns and raise: nobody knows then
// whether it works.
func (t *trigger) runsStatements() bool {
	return t.Language != "plpgsql" || plpgsqlQuery.MatchString(t.bodyCode())
}

// mayTriggerFill reports whether a trigger may give a column of a new row its value.
func (r *relation) mayTriggerFill(column string) bool {
	sets := lazyregexp.New(`(?i)\bnew\."?` + regexp.QuoteMeta(column) + `"?\s*:?=`)
	return slices.ContainsFunc(r.Triggers, func(t trigger) bool {
		const needed = triggerRow | triggerBefore | triggerInsert
		if t.Type&needed != needed {
			return false
		}
		code := t.bodyCode()
		return t.Language != "plpgsql" || sets.MatchString(code) || plpgsqlFill.MatchString(code) || strings.Contains(strings.ToLower(code), "jsonb_populate_record")
	})
}
