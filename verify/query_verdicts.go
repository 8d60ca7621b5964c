package verify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/onward"
)

// judgeQueries makes verdicts of what was seen: old code is compared with the base, new code
// with the end.
func (c *checker) judgeQueries(places []onward.VerdictPlace) []onward.Verdict {
	var out []onward.Verdict
	c.notJudged = nil
	c.compareCodes()
	for _, q := range c.queries {
		count := c.counts[q.code]
		if len(q.states) == 0 {
			continue
		}
		if reason := c.findAmbiguousFold(q); reason != "" && q.states[0].refused != nil {
			c.addUnjudged(q, count, reason)
			continue
		}
		if q.code == onward.OldCode && q.states[0].refused != nil || (count.Parsed != nil || q.code != onward.NewCode) && q.fitsNowhere() {
			if q.code != onward.NewCode || !c.isNewFailure(q) {
				count.Unfit++
				continue
			}
			count.Checked++
			out = append(out, c.queryVerdicts(q, places)...)
			continue
		}
		if q.states[0].unplanned {
			count.Unplanned++
		}
		list := c.queryVerdicts(q, places)
		if count.Parsed != nil && q.code == onward.NewCode {
			list = slices.DeleteFunc(list, isPreexisting)
		}
		if q.code != onward.NewCode && q.states[0].refused != nil && slices.ContainsFunc(list, failsAtEnd) {
			count.Unfit++ // it works neither at the base nor at the end
			continue
		}
		if reason := c.explainUnreachedEnd(q, list); reason != "" {
			c.addUnjudged(q, count, reason)
			continue
		}
		switch reason := c.unjudgedReason(q); {
		case reason != "" && !slices.ContainsFunc(list, isError):
			c.addUnjudged(q, count, reason)
		case q.asked:
			count.Checked++
		default:
			count.Untouched++
		}
		out = append(out, list...)
	}
	sortVerdicts(out)
	return out
}

// mustWorkAtEnd reports whether a query must be right at the end of the release, and not at the base: it is of the new code, or of a further version
// and does not work at the base.
func (q *recordedQuery) mustWorkAtEnd() bool {
	return q.code == onward.NewCode || q.code != onward.OldCode && q.states[0].refused != nil
}

// addUnjudged counts a query that is not judged.
func (c *checker) addUnjudged(q *recordedQuery, count *onward.Verified, reason string) {
	count.Unjudged++
	c.notJudged = append(c.notJudged, onward.NotJudged{Query: q.SQL, ID: q.ID, Code: q.code, Calls: q.calls, Sender: q.sender, Reason: reason})
}

func isError(v onward.Verdict) bool { return v.Severity == onward.Error }

func failsAtEnd(v onward.Verdict) bool { return isError(v) && v.Until == nil }

// queryVerdicts returns the verdicts on one query: its problems at one point after the other, each from its
// first point to its last.
func (c *checker) queryVerdicts(q *recordedQuery, places []onward.VerdictPlace) []onward.Verdict {
	var out []onward.Verdict
	nullable := map[int]string{} // the columns of verdicts on NULL
	open := map[string]int{}
	for i := range q.states {
		s := &q.states[i]
		seen := map[string]bool{}
		for _, p := range c.problemsAt(q, s) {
			key := string(p.kind) + "\x00" + cmp.Or(p.identity, p.message)
			if seen[key] {
				continue
			}
			seen[key] = true
			if _, isOpen := open[key]; isOpen {
				continue
			}
			open[key] = len(out)
			if p.nullable != "" {
				nullable[len(out)] = p.nullable
			}
			out = append(out, onward.Verdict{
				Query: q.SQL, ID: q.ID, Code: q.code, Calls: q.calls, Sender: q.sender, After: c.blamedStatement(q, s, p, places), Point: s.point,
				Kind: p.kind, Severity: p.severity, SQLState: p.state, Message: p.message,
			})
		}
		for key, index := range open {
			if !seen[key] {
				place := c.blamedStatement(q, s, problem{message: out[index].Message}, places)
				out[index].Until, out[index].UntilPoint = &place, s.point
				delete(open, key)
			}
		}
	}
	return mergeNullable(out, nullable)
}

// problemsAt returns the problems of a query at a point.
func (c *checker) problemsAt(q *recordedQuery, s *pointAnswer) []problem {
	if s.refused != nil {
		return []problem{refusalProblem(q, s)}
	}
	m := c.moments[s.point]
	if q.mustWorkAtEnd() {
		return append(c.missingColumnProblems(q, s, m), c.omittedColumnProblems(q, s, nil)...)
	}
	first := &q.states[0]
	if first == s {
		return nil
	}
	base := c.moments[first.point]
	before, after := result{first.columns, base}, result{s.columns, m}
	out := compareShapes(before, after, q.Named)
	out = append(out, nullableProblems(before, after)...)
	out = append(out, rowProblems(before, after)...)
	out = append(out, newEnumLabelProblems(before, after)...)
	out = append(out, c.unpopulatedViewProblems(base, m, s)...)
	out = append(out, c.deniedSequenceProblems(q, base, m, s)...)
	out = append(out, c.hiddenRowProblems(q, base, m)...)
	out = append(out, c.lostLabelProblems(q, base, m, s)...)
	out = append(out, c.omittedColumnProblems(q, s, first)...)
	out = append(out, c.copyProblems(q, base, m)...)
	for _, p := range c.rejectionProblems(q, base, m) {
		// A problem that surely occurs is not repeated as one that may occur.
		if !slices.ContainsFunc(out, func(sure problem) bool { return sure.state == p.state && sure.message == p.message }) {
			out = append(out, p)
		}
	}
	return append(out, c.lostIndexProblems(first, s, m)...)
}

// refusalProblem is the server's no.
func refusalProblem(q *recordedQuery, s *pointAnswer) problem {
	p := problem{kind: onward.VerdictFails, severity: onward.Error, state: s.refused.Code, message: s.refused.Message, identity: "refused"}
	switch {
	case p.state == pgerror.ConflictNoArbiter.SQLSTATE, p.state == "42704" && q.namesConstraint:
		p.kind = onward.VerdictConflict
	case p.state == "42501":
		p.kind = onward.VerdictPermission
	}
	return p
}

// missingColumnProblems holds new code's result against the one at the end: what it reads there and not
// here comes later.
func (c *checker) missingColumnProblems(q *recordedQuery, s *pointAnswer, m *moment) []problem {
	last := &q.states[len(q.states)-1]
	if last == s || last.refused != nil {
		return nil
	}
	atEnd, atPoint := result{last.columns, c.moments[last.point]}, result{s.columns, m}
	list := slices.DeleteFunc(compareShapes(atEnd, atPoint, false), func(p problem) bool { return p.severity != onward.Error })
	if len(list) == 0 || !c.worksInDeployedCode(q) {
		return list
	}
	switch {
	case c.sameCode:
		return nil // it is the code that runs there today
	case hasWiderTypes(atPoint, atEnd):
		for i := range list {
			list[i].severity = onward.Warning
		}
	}
	return list
}

// worksInDeployedCode reports whether the deployed code sends the same query, and it works at the base.
func (c *checker) worksInDeployedCode(q *recordedQuery) bool {
	old := c.deployed[q.textKey()]
	return old != nil && len(old.states) > 0 && old.states[0].refused == nil
}

// omittedColumnProblems finds columns that it leaves out and that need a value. since is the answer with which the code
// was right; nil: it must be right as it is.
func (c *checker) omittedColumnProblems(q *recordedQuery, s, since *pointAnswer) []problem {
	if q.copyTable != "" {
		return nil
	}
	var known map[string]bool
	if since != nil {
		known = map[string]bool{}
		for _, l := range c.requiredOmissions(q, since) {
			known[l.omissionKey()] = true
		}
	}
	var out []problem
	for _, l := range c.requiredOmissions(q, s) {
		if known[l.omissionKey()] {
			continue
		}
		p := problem{
			kind:     onward.VerdictRequired,
			severity: onward.Error,
			state:    pgerror.NullValue.SQLSTATE,
			message:  pgerror.NullValue.NewRefusal(l.column, l.table.Name).Message(),
		}
		if l.check != "" {
			p.state, p.message = pgerror.CheckViolated.SQLSTATE, pgerror.CheckViolated.NewRefusal(l.table.Name, l.check).Message()
		}
		if l.table.mayTriggerFill(l.column) {
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

func (o omission) omissionKey() string {
	return o.table.Schema + "." + o.table.Name + "." + o.column + "\x00" + o.check
}

// requiredOmissions are the columns that it leaves out of rows, and that refuse NULL.
func (c *checker) requiredOmissions(q *recordedQuery, s *pointAnswer) []omission {
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
				if check.Type == "c" && requiresNotNull(check.Def, col.Name) {
					out = append(out, omission{r, col.Name, check.Name})
				}
			}
		}
	}
	for _, in := range s.plan.inserts {
		if r := m.findRelation(in.schema, in.name); r != nil {
			note(r, func(i int) bool { return i < len(in.values) && isOmittedValue(in.values[i]) })
		}
	}
	for _, w := range q.merges {
		if r := m.writeTarget(w, s); r != nil {
			insertColumns := r.insertColumns(w)
			note(r, func(i int) bool { return !r.Columns[i].Filled && !slices.Contains(insertColumns, r.Columns[i].Name) })
		}
	}
	return out
}

// requiresNotNull reports whether a CHECK says of a column that it is not NULL, and no more.
func requiresNotNull(def, column string) bool {
	def = strings.TrimSuffix(strings.TrimSuffix(def, " NOT VALID"), " NO INHERIT")
	def, ok := strings.CutPrefix(def, "CHECK (")
	if !ok {
		return false
	}
	text := strings.Trim(def, "()")
	name, ok := strings.CutSuffix(text, " IS NOT NULL")
	return ok && (name == column || name == `"`+strings.ReplaceAll(column, `"`, `""`)+`"`)
}

// copyProblems finds that COPY without a list of columns brings rows of another width.
func (c *checker) copyProblems(q *recordedQuery, base, m *moment) []problem {
	if q.copyTable == "" || len(q.writes) == 0 {
		return nil
	}
	before, after := base.writeTarget(q.writes[0], &q.states[0]), m.writeTarget(q.writes[0], &q.states[0])
	if before == nil || after == nil || slices.Equal(before.copyColumns(), after.copyColumns()) {
		return nil
	}
	oldColumns, newColumns := before.copyColumns(), after.copyColumns()
	for i, name := range newColumns {
		if i >= len(oldColumns) {
			return []problem{{kind: onward.VerdictFails, severity: onward.Error, state: "22P04", message: fmt.Sprintf("missing data for column %q", name)}}
		}
	}
	if len(newColumns) < len(oldColumns) {
		return []problem{{kind: onward.VerdictFails, severity: onward.Error, state: "22P04", message: "extra data after last expected column"}}
	}
	return []problem{{
		kind:     onward.VerdictFails,
		severity: onward.Error,
		state:    "22P04",
		message:  "COPY without a list of columns sends the earlier ones: " + strings.Join(oldColumns, ", "),
	}}
}

// copyColumns are the columns that COPY takes without a list.
func (r *relation) copyColumns() []string {
	var out []string
	for _, c := range r.Columns {
		if c.Name != "" && !c.Generated {
			out = append(out, c.Name)
		}
	}
	return out
}

// lostIndexProblems finds big tables whose rows it found through an index, and reads whole now.
func (c *checker) lostIndexProblems(first, s *pointAnswer, m *moment) []problem {
	var out []problem
	for _, full := range first.plan.indexed {
		if !c.big[full] || slices.Contains(s.plan.indexed, full) || s.unplanned {
			continue
		}
		schema, name, _ := strings.Cut(full, ".")
		if r := m.findRelation(schema, name); r == nil || s.relations[r.OID] == "" {
			continue
		}
		out = append(out, problem{kind: onward.VerdictLostIndex, severity: onward.Warning,
			message: fmt.Sprintf("table %q is read whole: no index is left for its condition", strings.TrimPrefix(full, "public."))})
	}
	return out
}

// findRelation is a table at a moment.
func (m *moment) findRelation(schema, name string) *relation {
	for _, r := range m.relations {
		if r.Name == name && r.Schema == schema {
			return r
		}
	}
	return nil
}

// writeTarget is the table that a query writes to under a name: one that it locked.
func (m *moment) writeTarget(w write, s *pointAnswer) *relation {
	for oid := range s.relations {
		if r := m.relations[oid]; r != nil && r.Name == w.name && (w.schema == "" || r.Schema == w.schema) {
			return r
		}
	}
	return nil
}

// insertColumns are the columns that an INSERT names, or means.
func (r *relation) insertColumns(w write) []string {
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
