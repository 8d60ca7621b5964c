package relation

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TableTruncate flags TRUNCATE of a table that was there before the release.
// https://www.postgresql.org/docs/current/sql-truncate.html
var TableTruncate = &rule.Rule{
	ID:       "table-truncate",
	Category: onward.DataLoss,
	Severity: onward.Error,
	Summary:  "TRUNCATE removes all rows of an existing table, and locks it against reads",
	Harm: "All rows are gone when it commits, and CASCADE empties every table that references it. It takes ACCESS EXCLUSIVE on all of them; " +
		"a transaction that began before sees an empty table.",
	Instead:   "If the rows may go, delete them in batches; if only some may, say which.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-truncate.html"},
	Kinds:     rule.Another,
	Statement: checkTruncate,
}

func checkTruncate(p *rule.Pass, s *rule.Stmt) {
	stmt := s.Node.GetTruncateStmt()
	if stmt == nil || s.Result.Refused != nil {
		return
	}
	var names []string
	var deletes []string
	for i := range s.Result.Effects {
		e := &s.Result.Effects[i]
		emptied := e.Instant || e.Kind == catalog.PartitionedTable && e.Lock == onward.AccessExclusiveLock
		if !emptied || !e.Kind.IsTable() || !p.IsExisting(e) {
			continue
		}
		if r := s.Before.Relation(e.OID); r != nil && r.Parent != 0 && locksExclusively(s, r.Parent) {
			continue // with its parent
		}
		names = append(names, e.Name.String())
		t := analysis.QuoteTable(e.Name)
		deletes = append(deletes, recipe.InBatches("DELETE FROM "+t, t, ""))
	}
	slices.Reverse(deletes) // what CASCADE reached goes first: it references what was named
	if len(names) == 0 {
		return
	}
	harm := "the rows are lost, and every query on " + prose.EnumerateNames(names) + " waits until it commits"
	if stmt.GetBehavior() == pgparse.DropBehavior_DROP_CASCADE && len(names) > len(stmt.GetRelations()) {
		harm = "CASCADE reaches every table that references it: " + harm
	}
	var severity onward.Severity
	if areTablesUnread(p, s) {
		severity = onward.Warning
	}
	p.Report(s, rule.Report{
		Severity: severity,
		Fact:     "TRUNCATE removes all rows of " + prose.EnumerateNames(names),
		Harm:     harm,
		Instead:  "if they may go, delete them in batches, each in a transaction of its own:\n" + strings.Join(deletes, "\n"),
	})
}

// areTablesUnread reports whether nothing in the deployed code reads any of the tables: what is
// lost is missed by nobody that was seen.
func areTablesUnread(p *rule.Pass, s *rule.Stmt) bool {
	for i := range s.Result.Effects {
		e := &s.Result.Effects[i]
		if !e.Kind.IsTable() || !p.IsExisting(e) {
			continue
		}
		if u := p.Code.FindUses(e.Name, ""); !u.IsIdle() && !u.Does.IsWithin(facts.ReadsNothing) {
			return false
		}
	}
	return true
}

// locksExclusively reports whether a statement needs a relation for itself.
func locksExclusively(s *rule.Stmt, oid catalog.OID) bool {
	return slices.ContainsFunc(s.Result.Effects, func(e effect.Effect) bool { return e.OID == oid && e.Lock == onward.AccessExclusiveLock })
}
