package constraint

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ForeignKeyNotValidPartitioned flags ADD FOREIGN KEY … NOT VALID on a
// partitioned table, which servers before 18 refuse.
// https://www.postgresql.org/docs/17/sql-altertable.html
var ForeignKeyNotValidPartitioned = &rule.Rule{
	ID:       "constraint-foreign-key-not-valid-partitioned",
	Category: onward.Locking,
	Severity: onward.Error,
	Stops:    true,
	Until:    17,
	Summary:  "before Postgres 18 a partitioned table takes no NOT VALID foreign key: the migration fails",
	Harm:     "The server refuses the statement, and the migration stops there.",
	Instead: "Add the foreign key NOT VALID to each partition and validate it there. The foreign key of the partitioned table then adopts the partitions' " +
		"own without reading them again.",
	Manual:    []string{"https://www.postgresql.org/docs/17/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT"},
	Kinds:     rule.AlterTable,
	Statement: checkForeignKeyNotValidPartitioned,
}

func checkForeignKeyNotValidPartitioned(p *rule.Pass, s *rule.Stmt) {
	if s.RefusedRule() != p.Rule.ID {
		return
	}
	for i, n := range s.Node.GetAlterTableStmt().GetCmds() {
		con := n.GetAlterTableCmd().GetDef().GetConstraint()
		if con.GetContype() != pgparse.ConstrType_CONSTR_FOREIGN || !con.GetSkipValidation() {
			continue
		}
		table := s.AlteredRelation()
		partition := "…"
		if len(table.Partitions) > 0 {
			if r := s.Before.Relation(table.Partitions[0]); r != nil {
				partition = analysis.QuoteTable(r.Name)
			}
		}
		text, name := s.CommandText(i), "…"
		if con.GetConname() != "" {
			name = pgparse.QuoteIdent(con.GetConname())
		}
		p.Report(s, rule.Report{
			Fact: "the server refuses a NOT VALID foreign key on the partitioned table " + table.Name.String(),
			Harm: "the migration fails: " + s.Result.Refused.Message(),
			Instead: "add and validate it on each partition, then on the table, which adopts those:\n" +
				"ALTER TABLE " + partition + " " + text + ";\nALTER TABLE " + partition + " VALIDATE CONSTRAINT " + name + ";\n-- … each partition, then\n" +
				s.AlterTable() + " " + strings.TrimSpace(trimWords(text, "NOT VALID")) + ";",
		})
	}
}

// trimWords takes words off the end of a text, whatever their case.
func trimWords(text, words string) string {
	if n := len(text) - len(words); n >= 0 && strings.EqualFold(text[n:], words) {
		return text[:n]
	}
	return text
}
