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

// TypeDomainConstraintScan flags ALTER DOMAIN that checks the tables that use the
// domain: ADD CONSTRAINT without NOT VALID, VALIDATE CONSTRAINT, SET NOT NULL.
// https://www.postgresql.org/docs/current/sql-alterdomain.html
var TypeDomainConstraintScan = &rule.Rule{
	ID:       "type-domain-constraint-scan",
	Category: onward.Locking,
	Severity: onward.Error,
	Summary:  "a new constraint of a domain reads every table that uses it while writes to them are blocked",
	Harm: "Each table with a column of the domain is locked in SHARE mode and scanned in full, one after the other, in one transaction. " +
		"Every INSERT, UPDATE and DELETE on them waits. VALIDATE CONSTRAINT of a domain takes the same lock.",
	Instead:   "Put the constraint on the tables instead: a table's CHECK can be added NOT VALID and validated without blocking writes.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-alterdomain.html"},
	Kinds:     rule.Another,
	Statement: checkDomainConstraintScan,
}

func checkDomainConstraintScan(p *rule.Pass, s *rule.Stmt) {
	stmt := s.Node.GetAlterDomainStmt()
	if stmt == nil || s.Result.Refused != nil {
		return
	}
	e := p.FindBlocked(&s.Result, analysis.IsScanned)
	if e == nil {
		return
	}
	parts := stmt.GetTypeName()
	name := pgparse.LastText(parts)
	action := "a new constraint of domain " + name
	switch stmt.GetSubtype() {
	case "O":
		action = "SET NOT NULL on domain " + name
	case "V":
		action = "validating constraint " + stmt.GetName() + " of domain " + name
	}
	if e.OID == 0 {
		p.Report(s, rule.Report{
			Fact:    action + " reads all of " + e.Name.String(),
			Harm:    "every INSERT, UPDATE and DELETE on them waits until each row was checked, and the time grows with the tables",
			Instead: "put the constraint on the tables, NOT VALID, and validate it in a later transaction, which blocks nobody",
		})
		return
	}
	con, check := recipe.Unknown, "…"
	if column := findDomainColumn(s, e.OID, parts); column != "" {
		con, check = catalog.ObjectName(e.Name.Name, column, "check"), pgparse.QuoteIdent(column)+" IS NOT NULL"
		if stmt.GetSubtype() == "O" {
			con = catalog.ObjectName(e.Name.Name, column, "not_null")
		} else if check = newDomainCondition(s, pgparse.QuoteIdent(column)); check == "" {
			check = "…"
		}
	}
	p.Report(s, newWaitReport(e, action+" reads all of "+e.Name.String()+", which uses it", "until each row was checked",
		"put the constraint on the table, and validate it in a later transaction, which blocks nobody:\n"+
			recipe.FormatStatements(recipe.AddUnvalidated(e.Name, con, "CHECK ("+check+")"), recipe.ValidateConstraint(e.Name, con))))
}

// findDomainColumn returns the table's only column of a domain; "" if there are several, or
// none.
func findDomainColumn(s *rule.Stmt, table catalog.OID, names []*pgparse.Node) string {
	u, t, found := s.Before.LookupType(pgparse.SchemaAndName(names)), s.Before.Relation(table), ""
	if u == nil || t == nil {
		return ""
	}
	for _, c := range t.Columns {
		if c.Type.OID == u.OID && c.Type.Array == 0 {
			if found != "" {
				return ""
			}
			found = c.Name
		}
	}
	return found
}

var (
	domainCheck = lazyregexp.New(`(?is)\bCHECK\s*\((.*)\)\s*;?\s*$`)
	valueWord   = lazyregexp.New(`(?i)\bVALUE\b`)
)

// newDomainCondition is the condition of a new constraint of a domain, on a column; "" where
// a literal may have the word VALUE in it.
func newDomainCondition(s *rule.Stmt, column string) string {
	m := domainCheck.FindStringSubmatch(s.SQL)
	if m == nil || len(valueWord.FindAllString(m[1], -1)) != 1 || strings.Contains(m[1], "\n") {
		return ""
	}
	return valueWord.ReplaceAllLiteralString(m[1], column)
}
