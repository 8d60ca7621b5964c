package verify

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// unjudgedReason is why a query without an error cannot be called checked or untouched; "" if it can.
func (c *checker) unjudgedReason(q *recordedQuery) string {
	switch {
	case c.lacksRole(q):
		return fmt.Sprintf("its role %q is not in the schema, so nobody knows what it may do", q.Role)
	case q.timedOut:
		return "the server did not answer in " + askTimeout
	}
	return cmp.Or(c.findAmbiguousFold(q), c.explainUnknownName(q), c.explainChangedFunction(q))
}

// explainUnreachedEnd explains why a failure of the new code proves nothing: the release ended before its last point, so the schema
// for the new code does not exist.
func (c *checker) explainUnreachedEnd(q *recordedQuery, list []onward.Verdict) string {
	if !c.stopped || q.code != onward.NewCode || !slices.ContainsFunc(list, failsAtEnd) {
		return ""
	}
	return "the release ended at an error, so the schema that it needs may be missing"
}

// lacksRole reports whether a query was sent by a role that the schema does not have.
func (c *checker) lacksRole(q *recordedQuery) bool {
	_, exists := c.moments[0].schema.roles[q.Role]
	return q.Role != "" && !exists
}

// explainUnknownName finds a parameter that names something, and the recording does not say what.
func (c *checker) explainUnknownName(q *recordedQuery) string {
	base := c.moments[0].schema
	tables := 0
	for i, oid := range q.states[0].params {
		kind := cmp.Or(q.nameParams[i+1], base.typeNames[oid])
		if q.nameParams[i+1] == "" && !workload.IsNameType(kind) {
			continue
		}
		n := q.recordedName(i + 1)
		if n == nil || n.Partial || len(n.Values) == 0 {
			return fmt.Sprintf("$%d names a %s, and the recording does not say which", i+1, kind)
		}
		if kind == workload.TableName && q.nameParams[i+2] == workload.ColumnName {
			tables = len(n.Values)
		}
		if kind == workload.ColumnName && (tables > 1 || len(n.Values) > 1) {
			return fmt.Sprintf("$%d names columns of several tables, and the recording does not say of which", i+1)
		}
	}
	return ""
}

// explainChangedFunction finds a function that runs with the query, was changed, and may do anything.
func (c *checker) explainChangedFunction(q *recordedQuery) string {
	if q.mustWorkAtEnd() {
		return ""
	}
	base := c.moments[0]
	for _, s := range q.states[1:] {
		m := c.moments[s.point]
		for oid, w := range q.writtenTables(base) {
			before, after := base.relations[oid], m.relations[oid]
			if before == nil || after == nil {
				continue
			}
			if before.Helpers != after.Helpers && (w.inserts || w.updates) {
				return fmt.Sprintf("a function that a default, constraint or policy of table %q calls has changed", after.Name)
			}
			for _, t := range after.findNewTriggers(before, w) {
				if t.runsStatements() {
					return fmt.Sprintf("trigger %q of table %q runs statements that are not judged", t.Name, after.Name)
				}
			}
		}
	}
	return ""
}

// listAskingRoles are the roles as which queries were asked, the owner first.
func (c *checker) listAskingRoles() []onward.VerifiedRole {
	count := map[string]int{}
	for _, q := range c.queries {
		if c.lacksRole(q) {
			count[""]++
		} else {
			count[q.Role]++
		}
	}
	var out []onward.VerifiedRole
	for _, role := range slices.Sorted(maps.Keys(count)) {
		out = append(out, onward.VerifiedRole{Role: role, Queries: count[role]})
	}
	return out
}

// recordedName is what the recording says that a parameter names; nil for nothing.
func (q *recordedQuery) recordedName(param int) *workload.Name {
	i := slices.IndexFunc(q.Names, func(n workload.Name) bool { return n.Param == param })
	if i < 0 {
		return nil
	}
	return &q.Names[i]
}

// unqualifiedName is a name without its schema, as the server folds it.
func unqualifiedName(name string) string {
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		name = name[i+1:]
	}
	if quoted, ok := strings.CutPrefix(name, `"`); ok {
		return strings.TrimSuffix(quoted, `"`)
	}
	name, _, _ = strings.Cut(name, "(")
	return strings.ToLower(strings.TrimSpace(name))
}
