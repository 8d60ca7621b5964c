package data

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TriggersDisabled flags session_replication_role = replica, and DISABLE TRIGGER
// ALL.
// https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-SESSION-REPLICATION-ROLE
var TriggersDisabled = &rule.Rule{
	ID:       "data-triggers-disabled",
	Category: onward.DataLoss,
	Severity: onward.Error,
	Summary:  "session_replication_role = replica and DISABLE TRIGGER ALL switch foreign keys and triggers off",
	Harm: "Foreign keys are triggers. While the session plays a replica, or the table's triggers are all disabled, " +
		"rows that violate them are written without a word, and nothing checks them later: the constraint says it holds, and it does not.",
	Instead:   "Write the rows in an order that the foreign keys accept, or make them deferrable.",
	Manual:    []string{"https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-SESSION-REPLICATION-ROLE"},
	Kinds:     rule.AlterTable | rule.Data | rule.Another,
	Statement: checkTriggersDisabled,
}

func checkTriggersDisabled(p *rule.Pass, s *rule.Stmt) {
	if s.Node.GetAlterTableStmt() != nil {
		judgeAllDisabled(p, s)
		return
	}
	set, ok := analysis.SettingOf(s.Node)
	if !ok || set.Name != "session_replication_role" || set.Value != "replica" {
		return
	}
	for _, x := range s.Migration.Statements[s.Index+1:] {
		if !x.Settings.ReplicaRole {
			break
		}
		for _, w := range p.ListWrites(x) {
			if !p.InUse(w.Table) {
				continue
			}
			advice := "write the rows in an order that the foreign keys accept"
			if hasDeferrableKey(x, w.Table) {
				advice += ", or defer them:\nSET CONSTRAINTS ALL DEFERRED;"
			}
			p.Report(s, rule.Report{
				Fact:     "foreign keys and triggers are off while " + w.Verb + " at " + x.FormatPlace() + " writes to " + w.Table.Name.String(),
				Harm:     "rows that violate a foreign key get in without a word, and nothing checks them later",
				Instead:  advice,
				Evidence: []onward.Evidence{x.NewEvidence("writes to " + w.Table.Name.String())},
			})
			return
		}
	}
}

// judgeAllDisabled judges DISABLE TRIGGER ALL, which also disables the triggers of foreign keys, for
// all sessions.
func judgeAllDisabled(p *rule.Pass, s *rule.Stmt) {
	t := s.AlteredRelation()
	if t == nil || !hasCommand(p, s, pgparse.AlterTableType_AT_DisableTrigAll) || !p.InUse(t) {
		return
	}
	for _, x := range rule.StatementsAfter(s.Migration.StatementsOn(t.Name), s) {
		if x.Tx != s.Tx {
			break
		}
		if x.Node.GetAlterTableStmt() != nil && x.AlteredRelation().Name == t.Name && hasCommand(p, x, pgparse.AlterTableType_AT_EnableTrigAll) {
			return // data that the migration writes and its author answers for
		}
	}
	p.Report(s, rule.Report{
		Fact:    "all triggers of " + t.Name.String() + " are off for everybody after this commits, also the triggers of foreign keys",
		Harm:    "rows of the deployed code that violate a foreign key get in without a word, and nothing checks them later",
		Instead: "enable them again in the same transaction:\n" + recipe.EnableTrigger(t.Name, "") + ";",
	})
}

// hasCommand reports whether an ALTER TABLE has a command.
func hasCommand(p *rule.Pass, s *rule.Stmt, subtype pgparse.AlterTableType) bool {
	return slices.ContainsFunc(p.ListCommands(s), func(c *rule.Command) bool { return c.Subtype == subtype })
}

// hasDeferrableKey reports whether a foreign key of a table, or one that points to it,
// can be put off to the commit.
func hasDeferrableKey(s *rule.Stmt, t *catalog.Relation) bool {
	hasKey := func(r *catalog.Relation) bool {
		return slices.ContainsFunc(r.Constraints, func(c *catalog.Constraint) bool {
			return c.Kind == catalog.ForeignKey && c.Deferrable && (r == t || c.Ref == t.OID)
		})
	}
	return hasKey(t) || slices.ContainsFunc(t.ReferencedBy, func(oid catalog.OID) bool {
		r := s.Before.Relation(oid)
		return r != nil && hasKey(r)
	})
}
