package constraint

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ForeignKeyValidating flags ADD FOREIGN KEY without NOT VALID on a table that
// is in use. https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
var ForeignKeyValidating = &rule.Rule{
	ID:        "constraint-foreign-key-validating",
	Category:  onward.Locking,
	Severity:  onward.Error,
	Preset:    rule.Recommended,
	Summary:   "ADD FOREIGN KEY without NOT VALID reads the whole table while both tables refuse writes",
	Harm:      "ALTER TABLE holds SHARE ROW EXCLUSIVE on both tables while each row is looked up in the referenced one. Every INSERT, UPDATE and DELETE on either table waits.",
	Instead:   "Add the constraint NOT VALID, which locks both tables for a moment only and binds new rows, and validate it in a transaction of its own: that blocks neither reads nor writes.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES"},
	Statement: foreignKeyValidating,
}

func foreignKeyValidating(p *rule.Pass, s *rule.Stmt) {
	for _, a := range additions(p, s, pgparse.ConstrType_CONSTR_FOREIGN) {
		ref, _ := s.Before.Resolve(a.con.GetPktable())
		e := p.Blocked(&a.Result, func(e *effect.Effect) bool {
			return rule.Scans(e) && (e.Name != ref.Name || e.Name == a.table.Name)
		})
		if e == nil {
			continue
		}
		waiting := "every INSERT, UPDATE and DELETE on " + e.Name.String()
		if ref.Name != e.Name && p.InUse(ref) {
			waiting += " and on " + ref.Name.String()
		}
		advice := "add it NOT VALID, and validate it in a later transaction:\n" + a.validation(s)
		if a.table.Kind == catalog.PartitionedTable && p.Versions()[0] < 18 {
			advice = "add it to each partition NOT VALID and validate it there, then add it to " + a.table.Name.String() + ": partitions that have it are not read again (before Postgres 18 a partitioned table takes no NOT VALID foreign key)"
		}
		add, validate := a.steps(s)
		p.Report(s, rule.Report{
			Django:  rule.DjangoForeignKey(s.Operation, add, validate),
			Fact:    "adding " + a.called("foreign key") + " reads all of " + e.Name.String(),
			Harm:    waiting + " waits until each row was looked up, which takes as long as the table is big",
			Instead: advice,
		})
	}
}
