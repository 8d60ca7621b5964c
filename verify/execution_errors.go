package verify

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/onward"
)

// This file finds errors that the server raises only when it runs a query, such as a read of an unpopulated materialised view. Its plan does not show
// them.

// unpopulatedViewProblems finds materialised views without data. Those that the base has without data are a dump's.
func (c *checker) unpopulatedViewProblems(base, m *moment, s *pointAnswer) []problem {
	var out []problem
	for oid := range s.relations {
		r, before := m.relations[oid], base.relations[oid]
		if r == nil || r.Kind != "m" || r.Populated || before != nil && !before.Populated {
			continue
		}
		out = append(out, problem{
			kind:     onward.VerdictFails,
			severity: onward.Error,
			state:    "55000",
			message:  fmt.Sprintf("materialized view %q has not been populated", r.Name),
		})
	}
	return out
}

const usableSQL = `SELECT r.name, c.oid FROM pg_class c CROSS JOIN unnest($1::text[]) r(name)
WHERE c.relkind = 'S' AND (has_sequence_privilege(r.name, c.oid, 'USAGE') OR has_sequence_privilege(r.name, c.oid, 'UPDATE'))`

// readUsableSequences reads the sequences that recorded roles may use.
func (c *checker) readUsableSequences(ctx context.Context, conn *pgx.Conn, m *moment) error {
	roles := map[string]bool{}
	m.usableSequences = map[string]map[uint32]bool{}
	for _, q := range c.queries {
		if _, exists := m.schema.roles[q.Role]; exists && q.insertsRows {
			roles[q.Role] = true
			m.usableSequences[q.Role] = map[uint32]bool{}
		}
	}
	if len(roles) == 0 {
		return nil
	}
	rows, _ := conn.Query(ctx, usableSQL, pgx.QueryExecModeExec, slices.Sorted(maps.Keys(roles)))
	var role string
	var oid uint32
	if _, err := pgx.ForEachRow(rows, []any{&role, &oid}, func() error { m.usableSequences[role][oid] = true; return nil }); err != nil {
		return fmt.Errorf("read the privileges on sequences at a commit point: %w", err)
	}
	return nil
}

// deniedSequenceProblems finds defaults that take a number from a sequence which the role may not use any more.
func (c *checker) deniedSequenceProblems(q *recordedQuery, base, m *moment, s *pointAnswer) []problem {
	usable := m.usableSequences[q.Role]
	if usable == nil {
		return nil
	}
	var out []problem
	for _, in := range s.plan.inserts {
		r := m.findRelation(in.schema, in.name)
		if r == nil {
			continue
		}
		for i := range r.Columns {
			sequence := r.Columns[i].Sequence
			if sequence == 0 || i >= len(in.values) || !strings.Contains(in.values[i], "nextval(") || usable[sequence] {
				continue
			}
			if before := m.schema.relations[sequence]; before != nil && (base.usableSequences[q.Role][sequence] || base.schema.relations[sequence] == nil) {
				out = append(out, problem{kind: onward.VerdictPermission, severity: onward.Error, state: "42501", message: "permission denied for sequence " + before.name})
			}
		}
	}
	return out
}

// hiddenRowProblems finds row-level security that may hide rows from the role of a query.
func (c *checker) hiddenRowProblems(q *recordedQuery, base, m *moment) []problem {
	var out []problem
	for oid := range q.states[0].relations {
		before, after := base.relations[oid], m.relations[oid]
		if before == nil || after == nil || !q.names[after.Name] || !c.hasNewRowSecurity(q, m, before, after) {
			continue
		}
		if w := q.writtenTables(base)[oid]; w != nil && w.inserts && !w.updates && !w.deletes {
			continue
		}
		out = append(out, problem{
			kind:     onward.VerdictHiddenRows,
			severity: onward.Warning,
			message:  fmt.Sprintf("row-level security of table %q may hide rows", after.Name),
		})
	}
	return out
}

// lostLabelProblems finds labels that parameters name, or may name, and that are gone.
func (c *checker) lostLabelProblems(q *recordedQuery, base, m *moment, s *pointAnswer) []problem {
	var out []problem
	for i, oid := range s.params {
		if i >= len(q.states[0].params) {
			break
		}
		before, after := base.enumType(q.states[0].params[i]), m.enumType(oid)
		if before == nil || after == nil || len(before.labels) == 0 {
			continue
		}
		severity, values := onward.Warning, before.labels
		if n := q.recordedName(i + 1); n != nil && !n.Partial {
			severity, values = onward.Error, n.Values
		}
		for _, label := range values {
			if slices.Contains(before.labels, label) && !slices.Contains(after.labels, label) {
				kind := onward.VerdictFails
				if severity == onward.Warning {
					kind = onward.VerdictRejected
				}
				out = append(out, problem{
					kind:     kind,
					severity: severity,
					state:    pgerror.ValueLabel.SQLSTATE,
					message:  pgerror.ValueLabel.NewRefusal(after.name, label).Message(),
				})
			}
		}
	}
	return out
}

// namesLabels reports whether the recording says which labels of an enum a query sends: labels judges it then.
func (c *checker) namesLabels(q *recordedQuery, base *moment, oid uint32) bool {
	found := false
	for i, param := range q.states[0].params {
		if param != oid || base.enumType(oid) == nil {
			continue
		}
		n := q.recordedName(i + 1)
		if n == nil || n.Partial {
			return false
		}
		found = true
	}
	return found
}
