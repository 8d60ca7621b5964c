package transaction

import (
	"fmt"
	"slices"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// LongWorkUnderLock flags work that grows with a table while an earlier
// statement of the transaction holds a lock that others wait for.
// https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES
var LongWorkUnderLock = &rule.Rule{
	ID:       "transaction-long-work-under-lock",
	Category: onward.InTransaction,
	Severity: onward.Error,
	Summary:  "a statement does work that grows with a table while an earlier one's lock is held",
	Harm: "A lock is held until the transaction ends, not until its statement ends. An instant ALTER TABLE followed by a backfill, " +
		"a scan or an index build in the same transaction blocks the table for all of that time.",
	Instead:   "Commit the statement that locks first, and do the long work in a later migration, in batches.",
	Manual:    []string{"https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES"},
	Statement: checkLongWorkUnderLock,
}

func checkLongWorkUnderLock(p *rule.Pass, s *rule.Stmt) {
	if len(s.Migration.Script.Source.Code) > 0 {
		reportCodeUnderLock(p, s)
	}
	if holder, _, _ := s.FindWait(); holder != nil {
		return // it never begins
	}
	all, more, work := p.LongUnderLock(s, mostHeld)
	if work == nil || validatesOwnConstraint(s) || referencesLockedTable(s, all[0]) {
		return
	}
	heldLock := all[0]
	severity := onward.Off
	if work.Lock >= onward.ShareLock {
		// The rule about the work itself has the say; what waits here waits
		// because of that work.
		severity = onward.Warning
	}
	if repeatsFinding(p, s, worked{heldLock.Name, work.Name, severity != onward.Off}) {
		return
	}
	var hands []onward.Evidence
	if heldLock.Name != work.Name {
		hands = []onward.Evidence{heldLock.By.NewEvidence("locks " + heldLock.Name.String() + " against " + describeBlocked(heldLock.Lock) +
			" too, until the transaction ends")}
	}
	names, evidence := listLockedNames(all)
	p.Report(s, rule.Report{
		Fact: fmt.Sprintf("%s while %s %s locked against %s since %s", describeWork(p, s, work), formatLockedNames(names, more),
			prose.PickForm(len(all), "is", "are"), describeBlocked(heldLock.Lock), heldLock.By.RelativePlace(s)),
		Harm:     fmt.Sprintf("%s waits until the transaction ends, which takes as long as %s is big", analysis.DescribeWaiting(&heldLock.Effect), work.Name),
		Grows:    work.Name,
		Instead:  adviseMove(s, work),
		Way:      advice.Apart{Work: classifyWork(s), Own: heldLock.By.Operation == s.Operation && heldLock.By.Line == s.Line, SQL: s.SQL},
		Severity: severity,
		Lesser:   severity != onward.Off && (heldLock.Lock <= work.Lock || heldLock.Name != work.Name),
		Hands:    hands,
		Cause:    "and %d other statements work while " + heldLock.Name.String() + " is",
		Evidence: evidence,
	})
}

// mostHeld is how many locked tables a finding names and shows.
const mostHeld = 5

// formatLockedNames names the locked relations in a sentence.
func formatLockedNames(names []string, more int) string {
	if more > 0 {
		return prose.NamesAndMore(names, more)
	}
	return prose.EnumerateNames(names)
}

// listLockedNames lists the names of locked relations, and the evidence for their locks.
func listLockedNames(locks []*rule.Held) (names []string, evidence []onward.Evidence) {
	for _, h := range locks {
		names = append(names, h.Name.String())
		evidence = append(evidence, h.By.NewEvidence("takes "+h.Lock.String()+" on "+h.Name.String()))
	}
	return names, evidence
}

// validatesOwnConstraint reports whether a statement validates a constraint that the
// transaction itself added, which is constraint-validate-same-transaction's.
func validatesOwnConstraint(s *rule.Stmt) bool {
	stmt := s.Node.GetAlterTableStmt()
	if stmt == nil || len(stmt.Cmds) != 1 {
		return false
	}
	cmd := stmt.Cmds[0].GetAlterTableCmd()
	if cmd.GetSubtype() != pgparse.AlterTableType_AT_ValidateConstraint {
		return false
	}
	r := s.AlteredRelation()
	oldTable := s.Tx.First.Before.Relation(r.OID)
	return r.Constraint(cmd.Name) != nil && (oldTable == nil || oldTable.Constraint(cmd.Name) == nil)
}

// referencesLockedTable reports whether a statement adds a foreign key to the table that is held,
// since one of the same table's was dropped: both tables are locked alike, and
// constraint-foreign-key-validating tells who waits there.
func referencesLockedTable(s *rule.Stmt, heldLock *rule.Held) bool {
	cmds := s.Node.GetAlterTableStmt().GetCmds()
	if r := heldLock.By.AlteredRelation(); len(cmds) != 1 || r == nil || s.AlteredRelation() == nil || r.OID != s.AlteredRelation().OID ||
		r.Name == heldLock.Name {
		return false
	}
	con := cmds[0].GetAlterTableCmd().GetDef().GetConstraint()
	if con.GetContype() != pgparse.ConstrType_CONSTR_FOREIGN {
		return false
	}
	ref, _ := s.Before.Resolve(con.GetPktable())
	return ref != nil && ref.Name == heldLock.Name
}

// flagged are the first statements of a transaction that work on a table while
// another is locked.
type (
	flagged map[worked]*rule.Stmt
	worked  struct {
		held, work catalog.Name
		// lesser: the work has a rule of its own, beside which this one may be silent.
		lesser bool
	}
)

// repeatsFinding reports whether an earlier statement of the transaction was flagged
// for work on the same table under the same lock. It is asked about each in turn.
func repeatsFinding(p *rule.Pass, s *rule.Stmt, key worked) bool {
	all := rule.BuildOnce(&s.Tx.First.Notes, func() flagged { return flagged{} })
	first := all[key]
	if first == nil && slices.Contains(s.Results[0].Versions, p.Versions()[0]) {
		all[key] = s
	}
	return first != nil && first != s
}
