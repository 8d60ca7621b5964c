package transaction

import (
	"fmt"
	"slices"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// PendingTriggerEvents flags DDL on a table whose deferred checks are still to
// run. https://www.postgresql.org/docs/current/sql-set-constraints.html
var PendingTriggerEvents = &rule.Rule{
	ID:       "transaction-pending-trigger-events",
	Category: onward.InTransaction,
	Severity: onward.Error,
	Summary:  "a table is changed in the transaction that wrote rows with deferred checks",
	Harm: "A deferred foreign key or constraint trigger checks a row when the transaction commits. " +
		"Until then the server refuses ALTER TABLE, CREATE INDEX, DROP TABLE, TRUNCATE and CLUSTER on the table: " +
		"\"cannot ALTER TABLE … because it has pending trigger events\". Where the rows come from a query, it does so only on a database that has such rows: " +
		"in production, not in the test.",
	Instead:   "Run the checks before the table is changed, with SET CONSTRAINTS ALL IMMEDIATE, or write the rows in a migration of their own.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-set-constraints.html"},
	Migration: checkPendingTriggerEvents,
}

func checkPendingTriggerEvents(p *rule.Pass, m *rule.Migration) {
	for _, t := range m.Txs {
		programs := listProgramsSince(m, t)
		if len(programs) == 0 && !writesThenChanges(t) {
			continue
		}
		var events pending
		reportedTables := map[catalog.OID]bool{}
		for s := range t.All() {
			if s.Node == nil {
				continue
			}
			if s.Migration == m {
				programs = events.recordPrograms(s, programs)
			}
			e, command := findRefusingEvent(s, &events)
			if e == nil {
				events.recordStatement(p, s)
				continue
			}
			if reportedTables[e.table] {
				continue
			}
			reportedTables[e.table] = true
			sure := e.sure && !s.IsOptional()
			if s.Migration == m {
				p.Report(s, describePendingChecks(s, e, command, sure))
			}
			if sure {
				break
			}
		}
	}
}

// listProgramsSince are the programs that write rows in the transaction, or before it.
func listProgramsSince(m *rule.Migration, t *rule.Tx) []script.Change {
	all := m.Script.Source.Changes
	if t == m.Txs[0] || len(t.Statements) == 0 {
		return all
	}
	first := t.Statements[0].Part()
	return slices.DeleteFunc(slices.Clone(all), func(c script.Change) bool { return c.Parts <= first })
}

func describePendingChecks(s *rule.Stmt, e *event, command string, sure bool) rule.Report {
	r := rule.Report{
		Fact:     fmt.Sprintf("%s finds checks pending: %s wrote to %s, and %s is checked at commit", command, e.by.describeWrite(e.verb, s), e.name, e.check),
		Harm:     fmt.Sprintf("the migration fails: cannot %s \"%s\" because it has pending trigger events", command, e.name.Name),
		Instead:  "run the checks first, before this statement:\nSET CONSTRAINTS ALL IMMEDIATE;",
		Way:      advice.RunChecks{},
		Evidence: []onward.Evidence{e.by.newEvidence(s, "leaves the check of "+e.check+" pending")},
		Stops:    sure,
	}
	if !sure {
		r.Severity = onward.Warning
		r.Fact = fmt.Sprintf("%s finds checks pending if %s writes a row of %s: %s is checked at commit", command, e.by.describeWrite(e.verb, s), e.name, e.check)
		r.Harm = fmt.Sprintf("where the %s finds a row to write, the migration fails: cannot %s \"%s\" because it has pending trigger events", e.verb, command,
			e.name.Name)
	}
	return r
}

// writesThenChanges reports whether a transaction changes a relation after a statement
// that writes rows, to skip all other transactions at once.
func writesThenChanges(t *rule.Tx) bool {
	if t.Earlier == nil && len(t.Statements) < 2 {
		return false
	}
	writes := false
	for s := range t.All() {
		switch s.Node.GetNode().(type) {
		case *pgparse.Node_InsertStmt, *pgparse.Node_UpdateStmt, *pgparse.Node_DeleteStmt, *pgparse.Node_MergeStmt, *pgparse.Node_SelectStmt:
			writes = true
		case *pgparse.Node_AlterTableStmt, *pgparse.Node_IndexStmt, *pgparse.Node_DropStmt, *pgparse.Node_TruncateStmt, *pgparse.Node_ClusterStmt:
			if writes {
				return true
			}
		}
	}
	return false
}

// findRefusingEvent is the event for which the server refuses a statement, and what its
// message calls the statement. Renaming a relation, SET SCHEMA, DROP INDEX,
// REINDEX, triggers, policies and a foreign key that refers to the table are
// not refused.
func findRefusingEvent(s *rule.Stmt, events *pending) (*event, string) {
	if len(events.list) == 0 || s.Result.Refused != nil {
		return nil, ""
	}
	switch x := pgparse.Unwrap(s.Node).(type) {
	case *pgparse.AlterTableStmt:
		if x.GetObjtype() != pgparse.ObjectType_OBJECT_TABLE {
			return nil, ""
		}
		if e := events.findTargetEvent(s, altersTree(x)); e != nil {
			return e, "ALTER TABLE"
		}
		return events.findReferencedEvent(s, x), "ALTER TABLE"
	case *pgparse.IndexStmt:
		return events.findTargetEvent(s, true), "CREATE INDEX"
	case *pgparse.TruncateStmt:
		return events.findExclusiveEvent(s, false), "TRUNCATE"
	case *pgparse.ClusterStmt:
		return events.findExclusiveEvent(s, false), "CLUSTER"
	case *pgparse.DropStmt:
		return events.findExclusiveEvent(s, true), "DROP TABLE"
	}
	return nil, ""
}

// altersTree reports whether an ALTER TABLE recurses to partitions or children and is
// refused because of one. Attaching and detaching are not.
func altersTree(x *pgparse.AlterTableStmt) bool {
	for _, n := range x.GetCmds() {
		switch n.GetAlterTableCmd().GetSubtype() {
		case pgparse.AlterTableType_AT_AttachPartition, pgparse.AlterTableType_AT_DetachPartition:
			return false
		}
	}
	return true
}
