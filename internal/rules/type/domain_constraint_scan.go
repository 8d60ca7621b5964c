package types

import (
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// DomainConstraintScan flags ALTER DOMAIN that checks the tables that use the
// domain: ADD CONSTRAINT without NOT VALID, VALIDATE CONSTRAINT, SET NOT NULL.
// https://www.postgresql.org/docs/current/sql-alterdomain.html
var DomainConstraintScan = &rule.Rule{
	ID:        "type-domain-constraint-scan",
	Category:  onward.Locking,
	Severity:  onward.Error,
	Preset:    rule.Recommended,
	Summary:   "a new constraint of a domain reads every table that uses it while they refuse writes",
	Harm:      "Each table with a column of the domain is locked in SHARE mode and read whole, one after the other, in one transaction. Every INSERT, UPDATE and DELETE on them waits. VALIDATE CONSTRAINT of a domain takes the same lock.",
	Instead:   "Put the constraint on the tables instead: a table's CHECK can be added NOT VALID and validated without blocking writes.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-alterdomain.html"},
	Kinds:     rule.Another,
	Statement: domainConstraintScan,
}

func domainConstraintScan(p *rule.Pass, s *rule.Stmt) {
	stmt := s.Node.GetAlterDomainStmt()
	if stmt == nil || s.Result.Refused != "" {
		return
	}
	e := p.Blocked(&s.Result, rule.Scans)
	if e == nil {
		return
	}
	parts := stmt.GetTypeName()
	name := parts[len(parts)-1].GetString_().GetSval()
	what := "a new constraint of domain " + name
	switch stmt.GetSubtype() {
	case "O":
		what = "SET NOT NULL on domain " + name
	case "V":
		what = "validating constraint " + stmt.GetName() + " of domain " + name
	}
	p.Report(s, rule.Report{
		Fact:    what + " reads all of " + e.Name.String() + ", which uses it",
		Harm:    rule.Waiting(e) + " waits until each row was checked, which takes as long as the table is big",
		Instead: "put the constraint on the table, and validate it in a later transaction, which blocks nobody:\nALTER TABLE " + rule.Table(e.Name) + " ADD CONSTRAINT … CHECK (…) NOT VALID;\nALTER TABLE " + rule.Table(e.Name) + " VALIDATE CONSTRAINT …;",
	})
}
