package blocking

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ColumnAddConstrainedDomain flags ADD COLUMN of a domain that has a CHECK or NOT
// NULL: the server checks the domain for every row by writing the table anew,
// even where the value is NULL or one constant.
// https://www.postgresql.org/docs/current/sql-createdomain.html
var ColumnAddConstrainedDomain = &rule.Rule{
	ID:       "column-add-constrained-domain",
	Category: onward.Locking,
	Severity: onward.Error,
	Summary:  "ADD COLUMN whose type is a domain with constraints rewrites the table, even without a default",
	Harm: "The server enforces the domain's constraints by writing the table and all its indexes anew, under ACCESS EXCLUSIVE, " +
		"although every row gets the same value. Every query waits.",
	Instead: "Give the column the domain's base type, and the table a CHECK that is added NOT VALID and validated later.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/sql-createdomain.html",
		"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES",
	},
	Kinds:     rule.AlterTable,
	Statement: checkAddConstrainedDomain,
}

func checkAddConstrainedDomain(p *rule.Pass, s *rule.Stmt) {
	for a, e := range listRewrites(p, s, fromDomain) {
		domain := s.Before.Type(a.column.Type.OID)
		if domain == nil {
			continue
		}
		a.typ = analysis.QuoteType(domain.Base)
		p.Report(a, newWaitReport(e, "adding column "+a.column.Name+" of the domain "+domain.Name.String()+" rewrites "+e.Name.String(),
			"while the domain is checked for each row",
			"use the base type, and a constraint that is validated in a later transaction:\n"+
				a.addBareSQL(true)+domainCheckSQL(a.table, a.column.Name, domain)+a.followingConstraintsSQL(s)))
	}
}

// domainCheckSQL is the SQL that holds a column of the base type to what a domain checks.
func domainCheckSQL(table *catalog.Relation, column string, domain *catalog.UserType) string {
	con := catalog.ObjectName(table.Name.Name, column, "check")
	return recipe.FormatStatements(recipe.AddUnvalidated(table.Name, con, "CHECK ("+formatDomainChecks(domain, column)+")"),
		recipe.ValidateConstraint(table.Name, con))
}

// value is the word VALUE, or a string, in which it is none.
var value = lazyregexp.New(`'[^']*'|"[^"]*"|(?i:\bvalue\b)`)

// formatDomainChecks returns the checks of a domain as one condition on a column.
func formatDomainChecks(domain *catalog.UserType, column string) string {
	var out []string
	for _, con := range domain.Checks {
		text := value.ReplaceAllStringFunc(con.ExprText, func(s string) string {
			if strings.EqualFold(s, "value") {
				return pgparse.QuoteIdent(column)
			}
			return s
		})
		if len(domain.Checks) > 1 {
			text = "(" + text + ")"
		}
		out = append(out, text)
	}
	if domain.NotNull {
		out = append(out, pgparse.QuoteIdent(column)+" IS NOT NULL")
	}
	if len(out) == 0 {
		return "…"
	}
	return strings.Join(out, " AND ")
}
