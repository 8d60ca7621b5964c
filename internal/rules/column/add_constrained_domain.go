package column

import (
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// AddConstrainedDomain flags ADD COLUMN of a domain that has a CHECK or NOT
// NULL: the server checks the domain for every row by writing the table anew,
// even where the value is NULL or one constant.
// https://www.postgresql.org/docs/current/sql-createdomain.html
var AddConstrainedDomain = &rule.Rule{
	ID:        "column-add-constrained-domain",
	Category:  onward.Locking,
	Severity:  onward.Error,
	Preset:    rule.Recommended,
	Summary:   "ADD COLUMN whose type is a domain with constraints rewrites the table, even without a default",
	Harm:      "The server enforces the domain's constraints by writing the table and all its indexes anew, under ACCESS EXCLUSIVE, although every row gets the same value. Every query waits.",
	Instead:   "Give the column the domain's base type, and the table a CHECK that is added NOT VALID and validated later.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-createdomain.html", "https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES"},
	Kinds:     rule.AlterTable,
	Statement: addConstrainedDomain,
}

func addConstrainedDomain(p *rule.Pass, s *rule.Stmt) {
	for _, a := range additions(p, s) {
		if a.origin != fromDomain {
			continue
		}
		e := a.rewrites(p)
		if e == nil {
			continue
		}
		domain := s.Before.Type(a.column.Type.OID)
		if domain == nil {
			continue
		}
		table, column := a.sql()
		check := "…"
		for _, con := range domain.Checks {
			check = con.ExprText
		}
		p.Report(s, rule.Report{
			Fact: "adding column " + a.column.Name + " of the domain " + domain.Name.String() + " rewrites " + e.Name.String(),
			Harm: rule.Waiting(e) + " waits while the domain is checked for each row, which takes as long as the table is big",
			Instead: "use the base type, and a constraint that is checked later (VALUE stands for the column):\nALTER TABLE " + table + " ADD COLUMN " + column + " " + domain.Base.String() + ";\n" +
				"ALTER TABLE " + table + " ADD CONSTRAINT " + rule.Ident(a.table.Name.Name+"_"+a.column.Name+"_check") + " CHECK (" + check + ") NOT VALID;",
		})
	}
}
