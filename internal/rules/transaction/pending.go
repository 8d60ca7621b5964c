package transaction

import (
	"fmt"
	"maps"
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// event is a check that waits for the end of the transaction.
type event struct {
	table catalog.OID
	name  catalog.Name
	// constraint is what SET CONSTRAINTS calls the check; check is that for
	// people: "foreign key c_p".
	constraint, check string
	verb              string
	by                writer
	// sure: the statement surely wrote a row, whatever the tables hold.
	sure bool
	// spread: the row went to some partition of the table.
	spread bool
}

// writer is what wrote a row: a statement, or a program of the migration.
type writer struct {
	statement *rule.Stmt
	program   *script.Change
}

// describe names the writer in a message about a later statement: "the UPDATE at :2".
func (w writer) describeWrite(verb string, from *rule.Stmt) string {
	if w.program != nil {
		return fmt.Sprintf("the %s of %s at :%d", verb, w.program.Name, w.program.Line)
	}
	return "the " + verb + " at " + w.statement.RelativePlace(from)
}

// newEvidence is the writer's place, in the migration of a later statement if it is a program.
func (w writer) newEvidence(from *rule.Stmt, text string) onward.Evidence {
	if w.program != nil {
		return onward.Evidence{Kind: "statement", Path: from.Migration.Path, Line: w.program.Line, Text: text}
	}
	return w.statement.NewEvidence(text)
}

// pending are the checks of a transaction, and those at its savepoints.
type pending struct {
	checks
	saved analysis.Savepoints[checks]
}

// checks are those that a transaction has yet to run, and which of them SET
// CONSTRAINTS has said to defer.
type checks struct {
	list []event
	// all and named are what SET CONSTRAINTS said: true is DEFERRED.
	all   *bool
	named map[string]bool
	// off are the tables whose triggers are all disabled.
	off map[catalog.OID]bool
}

// recordStatement takes note of what a statement leaves to be checked.
func (q *pending) recordStatement(p *rule.Pass, s *rule.Stmt) {
	switch x := pgparse.Unwrap(s.Node).(type) {
	case *pgparse.ConstraintsSetStmt:
		q.setConstraints(x)
	case *pgparse.TransactionStmt:
		q.checks = q.saved.FollowStatement(s.Node, q.checks)
	case *pgparse.AlterTableStmt:
		for _, n := range x.GetCmds() {
			switch n.GetAlterTableCmd().GetSubtype() {
			case pgparse.AlterTableType_AT_DisableTrigAll:
				q.disableTriggers(s.AlteredRelation().OID, true)
			case pgparse.AlterTableType_AT_EnableTrigAll:
				q.disableTriggers(s.AlteredRelation().OID, false)
			}
		}
	case *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt, *pgparse.SelectStmt:
		if s.Settings.ReplicaRole {
			return
		}
		for _, w := range p.ListWrites(s) {
			q.recordWrite(s, &w)
		}
	}
}

// setConstraints is SET CONSTRAINTS; IMMEDIATE runs what is pending.
func (q *checks) setConstraints(x *pgparse.ConstraintsSetStmt) {
	deferred := x.GetDeferred()
	if len(x.GetConstraints()) == 0 {
		q.all, q.named = &deferred, nil
		if !deferred {
			q.list = nil
		}
		return
	}
	q.named = maps.Clone(q.named)
	for _, n := range x.GetConstraints() {
		name := n.GetRangeVar().GetRelname()
		if q.named == nil {
			q.named = map[string]bool{}
		}
		q.named[name] = deferred
		if !deferred {
			q.list = slices.DeleteFunc(slices.Clone(q.list), func(e event) bool { return e.constraint == name })
		}
	}
}

func (q *checks) disableTriggers(table catalog.OID, disabled bool) {
	q.off = maps.Clone(q.off)
	if q.off == nil {
		q.off = map[catalog.OID]bool{}
	}
	q.off[table] = disabled
}

// isDeferred reports whether a check waits for the commit.
func (q *checks) isDeferred(name string, deferrable, initially bool) bool {
	if !deferrable && !initially {
		return false
	}
	if d, ok := q.named[name]; ok {
		return d
	}
	if q.all != nil {
		return *q.all
	}
	return initially
}
