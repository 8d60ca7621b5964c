package blocking

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ConstraintValidateSameTransaction flags VALIDATE CONSTRAINT in the transaction, or even
// the statement, that added the constraint NOT VALID: the strong lock of ADD is
// held during the scan, so that nothing is gained. So is one that another
// subcommand of the same ALTER TABLE takes.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
var ConstraintValidateSameTransaction = &rule.Rule{
	ID:       "constraint-validate-same-transaction",
	Category: onward.Locking,
	Severity: onward.Error,
	Summary:  "VALIDATE CONSTRAINT in the transaction that added the constraint NOT VALID reads the table under the strong lock of ADD CONSTRAINT",
	Harm: "Locks are held until the transaction ends. The lock that ADD CONSTRAINT took, ACCESS EXCLUSIVE or SHARE ROW EXCLUSIVE, " +
		"is still there while every row is checked: NOT VALID gained nothing.",
	Instead:   "Validate in a transaction of its own: a later migration, or a file that the runner does not wrap in a transaction.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES"},
	Kinds:     rule.AlterTable,
	Statement: checkValidateSameTransaction,
}

func checkValidateSameTransaction(p *rule.Pass, s *rule.Stmt) {
	for _, n := range s.Node.GetAlterTableStmt().GetCmds() {
		cmd := n.GetAlterTableCmd()
		if cmd.GetSubtype() != pgparse.AlterTableType_AT_ValidateConstraint {
			continue
		}
		table := s.AlteredRelation()
		if !p.InUse(table) || p.IsSmall(table.Name) {
			return
		}
		if !slices.ContainsFunc(s.Result.Effects, func(e effect.Effect) bool { return e.Scans }) {
			continue
		}
		instead := "validate in " + separatePlace(s) + ":\n" + recipe.FormatStatements(recipe.ValidateConstraint(table.Name, cmd.GetName()))
		addingStmt := findNotValidAdd(s, table.Name.Qualified(), cmd.GetName())
		if addingStmt == nil {
			if e := findLockedValidation(p, s); e != nil {
				r := newWaitReport(e,
					"constraint "+cmd.GetName()+" is validated in one statement with what locks "+table.Name.String()+
						" against reads and writes",
					"until each row was checked", instead)
				r.Grows = table.Name
				p.Report(s, r)
			}
			return
		}
		e, since := s.StrongestLock(&effect.Effect{OID: table.OID, Name: table.Name, Lock: addingStmt.Result.Effects[0].Lock})
		if since == "" {
			since = ": " + table.Name.String() + " is still locked (" + e.Lock.String() + ")"
		}
		fact := "constraint " + cmd.GetName() + " is validated in the transaction that added it NOT VALID at " + addingStmt.RelativePlace(s)
		if addingStmt == s {
			fact = "constraint " + cmd.GetName() + " is added NOT VALID and validated in one statement"
		}
		p.Report(s, rule.Report{
			Fact: fact,
			Harm: analysis.DescribeWaiting(e) + describeReferencedTables(s, e, findReferenced(p, s, table, cmd.GetName())) +
				" waits until each row was checked, and the time grows with the table" + since,
			Grows:    table.Name,
			Instead:  instead,
			Evidence: []onward.Evidence{addingStmt.NewEvidence("adds " + cmd.GetName() + " NOT VALID")},
		})
	}
}

// findLockedValidation returns the effect of an ALTER TABLE that validates constraints
// under a lock which another of its subcommands takes, and that has nothing
// else to read the table for; nil when there is none.
func findLockedValidation(p *rule.Pass, s *rule.Stmt) *effect.Effect {
	e := p.FindBlocked(&s.Result, analysis.IsScanned)
	if e == nil || !e.Lock.BlocksReads() {
		return nil
	}
	for _, c := range p.ListCommands(s) {
		if c.Subtype != pgparse.AlterTableType_AT_ValidateConstraint && p.FindBlocked(p.EffectsAlone(c), analysis.IsScanned) != nil {
			return nil // which has a rule of its own
		}
	}
	return e
}

// findReferenced is the existing table that a foreign key refers to, which refuses
// writes since the key was added.
func findReferenced(p *rule.Pass, s *rule.Stmt, table *catalog.Relation, name string) []catalog.Name {
	now := s.After.Relation(table.OID)
	if now == nil {
		return nil
	}
	con := now.Constraint(name)
	if con == nil || con.Kind != catalog.ForeignKey || con.Ref == table.OID {
		return nil
	}
	if ref := s.After.Relation(con.Ref); ref != nil && p.InUse(ref) {
		return []catalog.Name{ref.Name}
	}
	return nil
}

func separatePlace(s *rule.Stmt) string {
	if s.Migration.Together != 0 {
		return s.SeparatePlace()
	}
	return "a later migration, or in a file that runs without a transaction"
}
