package verify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/refuse"
	"github.com/onward-sql/onward/onward"
)

// judge makes verdicts of what was seen: old code is held against the base, new code
// against the end.
func (c *checker) judge(places []onward.VerdictPlace, old, fresh *onward.Verified) []onward.Verdict {
	var out []onward.Verdict
	for _, q := range c.queries {
		count := old
		if q.code == onward.NewCode {
			count = fresh
		}
		if len(q.states) == 0 {
			continue
		}
		if q.code == onward.OldCode && q.states[0].refused != nil || count.Parsed != nil && q.foreign() {
			count.Unfit++
			continue
		}
		if q.states[0].unplanned {
			count.Unplanned++
		}
		if q.asked {
			count.Checked++
		} else {
			count.Untouched++
		}
		list := c.verdicts(q, places)
		if count.Parsed != nil && q.code == onward.NewCode {
			list = slices.DeleteFunc(list, standing)
		}
		if slices.ContainsFunc(list, func(v onward.Verdict) bool { return v.Severity == onward.Error }) {
			count.Broken++
		} else if len(list) > 0 {
			count.Warned++
		}
		out = append(out, list...)
	}
	slices.SortStableFunc(out, func(a, b onward.Verdict) int {
		return cmp.Or(cmp.Compare(a.Point, b.Point), -cmp.Compare(a.Code, b.Code), -cmp.Compare(a.Severity, b.Severity), -cmp.Compare(a.Calls, b.Calls), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Message, b.Message))
	})
	return out
}

// verdicts are those on one query: what stands against it at one point after the other,
// each from where it begins to where it ends.
func (c *checker) verdicts(q *recorded, places []onward.VerdictPlace) []onward.Verdict {
	var out []onward.Verdict
	open := map[string]int{}
	for i := range q.states {
		s := &q.states[i]
		seen := map[string]bool{}
		for _, p := range c.problems(q, s) {
			key := string(p.kind) + "\x00" + cmp.Or(p.same, p.message)
			if seen[key] {
				continue
			}
			seen[key] = true
			if _, there := open[key]; there {
				continue
			}
			open[key] = len(out)
			out = append(out, onward.Verdict{
				Query: q.SQL, ID: q.ID, Code: q.code, Calls: q.calls, Sender: q.sender, After: c.blame(q, s, p, places), Point: s.point,
				Kind: p.kind, Severity: p.severity, SQLState: p.state, Message: p.message,
			})
		}
		for key, at := range open {
			if !seen[key] {
				place := c.blame(q, s, problem{message: out[at].Message}, places)
				out[at].Until, out[at].UntilPoint = &place, s.point
				delete(open, key)
			}
		}
	}
	return out
}

// problems is what stands against a query at a point.
func (c *checker) problems(q *recorded, s *state) []problem {
	if s.refused != nil {
		return []problem{refusal(q, s)}
	}
	m := c.moments[s.point]
	if q.code == onward.NewCode {
		return append(c.needs(q, s, m), c.left(q, s, nil)...)
	}
	first := &q.states[0]
	if first == s {
		return nil
	}
	base := c.moments[first.point]
	was, is := result{first.columns, base}, result{s.columns, m}
	out := shape(was, is, q.Named)
	out = append(out, nullable(was, is)...)
	out = append(out, unreadable(was, is)...)
	out = append(out, c.left(q, s, first)...)
	out = append(out, c.copied(q, base, m)...)
	for _, p := range c.rejections(q, base, m) {
		// What it surely fails with is not said again as what it may fail with.
		if !slices.ContainsFunc(out, func(sure problem) bool { return sure.state == p.state && sure.message == p.message }) {
			out = append(out, p)
		}
	}
	return append(out, c.lost(first, s, m)...)
}

// refusal is the server's no.
func refusal(q *recorded, s *state) problem {
	p := problem{kind: onward.VerdictFails, severity: onward.Error, state: s.refused.Code, message: s.refused.Message, same: "refused"}
	switch {
	case p.state == refuse.ConflictNoArbiter.State, p.state == "42704" && q.named:
		p.kind = onward.VerdictConflict
	case p.state == "42501":
		p.kind = onward.VerdictPermission
	}
	return p
}

// needs holds new code's result against the one at the end: what it reads there and not
// here comes later.
func (c *checker) needs(q *recorded, s *state, m *moment) []problem {
	last := &q.states[len(q.states)-1]
	if last == s || last.refused != nil {
		return nil
	}
	list := shape(result{last.columns, c.moments[last.point]}, result{s.columns, m}, false)
	return slices.DeleteFunc(list, func(p problem) bool { return p.severity != onward.Error })
}

// left finds columns that it leaves out and that have to have a value. since is the answer
// that the code was right with; nil: it is to be right as it is.
func (c *checker) left(q *recorded, s, since *state) []problem {
	if q.copies != "" {
		return nil
	}
	var known map[string]bool
	if since != nil {
		known = map[string]bool{}
		for _, l := range c.leaves(q, since) {
			known[l.key()] = true
		}
	}
	var out []problem
	for _, l := range c.leaves(q, s) {
		if known[l.key()] {
			continue
		}
		p := problem{kind: onward.VerdictRequired, severity: onward.Error, state: refuse.NullValue.State, message: refuse.NullValue.Of(l.column, l.table.Name).Message()}
		if l.check != "" {
			p.state, p.message = refuse.CheckViolated.State, refuse.CheckViolated.Of(l.table.Name, l.check).Message()
		}
		if l.table.Fills {
			if since == nil {
				continue
			}
			p.severity = onward.Warning
			p.message += ", unless a trigger of the table fills it"
		}
		out = append(out, p)
	}
	return out
}

// omission is a column that is left out of a row.
type omission struct {
	table         *relation
	column, check string
}

func (o omission) key() string { return o.table.full() + "." + o.column + "\x00" + o.check }

// leaves are the columns that it leaves out of rows, and that refuse NULL.
func (c *checker) leaves(q *recorded, s *state) []omission {
	m := c.moments[s.point]
	var out []omission
	note := func(r *relation, omitted func(i int) bool) {
		for i := range r.Columns {
			col := &r.Columns[i]
			if col.Name == "" || col.Generated || !omitted(i) {
				continue
			}
			if col.NotNull {
				out = append(out, omission{r, col.Name, ""})
			}
			for _, check := range r.Checks {
				if check.Type == "c" && requires(check.Def, col.Name) {
					out = append(out, omission{r, col.Name, check.Name})
				}
			}
		}
	}
	for _, in := range s.plan.inserts {
		if r := m.named(in.schema, in.name); r != nil {
			note(r, func(i int) bool { return i < len(in.values) && missing(in.values[i]) })
		}
	}
	for _, w := range q.merges {
		if r := m.target(w, s); r != nil {
			given := r.given(w)
			note(r, func(i int) bool { return !r.Columns[i].Filled && !slices.Contains(given, r.Columns[i].Name) })
		}
	}
	return out
}

// requires reports whether a CHECK says of a column that it is not NULL, and no more.
func requires(def, column string) bool {
	def = strings.TrimSuffix(strings.TrimSuffix(def, " NOT VALID"), " NO INHERIT")
	def, ok := strings.CutPrefix(def, "CHECK (")
	if !ok {
		return false
	}
	text := strings.Trim(def, "()")
	name, ok := strings.CutSuffix(text, " IS NOT NULL")
	return ok && (name == column || name == `"`+strings.ReplaceAll(column, `"`, `""`)+`"`)
}

// copied finds that COPY without a list of columns brings rows of another width.
func (c *checker) copied(q *recorded, base, m *moment) []problem {
	if q.copies == "" || len(q.writes) == 0 {
		return nil
	}
	before, after := base.target(q.writes[0], &q.states[0]), m.target(q.writes[0], &q.states[0])
	if before == nil || after == nil || slices.Equal(before.copied(), after.copied()) {
		return nil
	}
	had, has := before.copied(), after.copied()
	for i, name := range has {
		if i >= len(had) {
			return []problem{{kind: onward.VerdictFails, severity: onward.Error, state: "22P04", message: fmt.Sprintf("missing data for column %q", name)}}
		}
	}
	if len(has) < len(had) {
		return []problem{{kind: onward.VerdictFails, severity: onward.Error, state: "22P04", message: "extra data after last expected column"}}
	}
	return []problem{{kind: onward.VerdictFails, severity: onward.Error, state: "22P04", message: "COPY without a list of columns brings those of before: " + strings.Join(had, ", ")}}
}

// copied are the columns that COPY takes without a list.
func (r *relation) copied() []string {
	var out []string
	for _, c := range r.Columns {
		if c.Name != "" && !c.Generated {
			out = append(out, c.Name)
		}
	}
	return out
}

// lost finds big tables whose rows it found through an index, and reads whole now.
func (c *checker) lost(first, s *state, m *moment) []problem {
	var out []problem
	for _, full := range first.plan.indexed {
		if !c.big[full] || slices.Contains(s.plan.indexed, full) || s.unplanned {
			continue
		}
		schema, name, _ := strings.Cut(full, ".")
		if r := m.named(schema, name); r == nil || s.relations[r.OID] == "" {
			continue
		}
		out = append(out, problem{kind: onward.VerdictLostIndex, severity: onward.Warning,
			message: fmt.Sprintf("table %q is read whole: no index is left for its condition", strings.TrimPrefix(full, "public."))})
	}
	return out
}

// named is a table at a moment.
func (m *moment) named(schema, name string) *relation {
	for _, r := range m.relations {
		if r.Name == name && r.Schema == schema {
			return r
		}
	}
	return nil
}

// target is the table that a query writes to under a name: one that it locked.
func (m *moment) target(w write, s *state) *relation {
	for oid := range s.relations {
		if r := m.relations[oid]; r != nil && r.Name == w.name && (w.schema == "" || r.Schema == w.schema) {
			return r
		}
	}
	return nil
}

// given are the columns that an INSERT names, or means.
func (r *relation) given(w write) []string {
	if len(w.columns) > 0 {
		return w.columns
	}
	var all []string
	for _, c := range r.Columns {
		if c.Name != "" {
			all = append(all, c.Name)
		}
	}
	if w.width > 0 && w.width < len(all) {
		return all[:w.width]
	}
	return all
}
