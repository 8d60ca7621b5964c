package blocking

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TableCluster flags CLUSTER, and REPACK from Postgres 19 on. https://www.postgresql.org/docs/current/sql-cluster.html
var TableCluster = &rule.Rule{
	ID:       "table-cluster",
	Category: onward.Locking,
	Severity: onward.Error,
	Summary:  "CLUSTER or REPACK writes the table anew while nobody can read it",
	Harm: "CLUSTER sorts the rows into a new file and rebuilds all indexes under ACCESS EXCLUSIVE. " +
		"Every query on the table waits, and the time grows with the table. New rows are not kept in order.",
	Instead: "Use pg_repack, which sorts a table while it is in use; or take a window without traffic. " +
		newerRewrite,
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-cluster.html"},
	Kinds:     rule.Another,
	Statement: checkCluster,
}

// newerRewrite is the way of newer versions, for the pages of rules.
const newerRewrite = "From Postgres 19 on REPACK (CONCURRENTLY) does it: a transaction with an older snapshot then reads no rows, without an error."

func checkCluster(p *rule.Pass, s *rule.Stmt) {
	c := s.Node.GetClusterStmt()
	if c == nil {
		return
	}
	repack := pgparse.RepackOf(c)
	if repack != nil && repack.Concurrently {
		reportRepackConcurrently(p, s)
		return
	}
	e := findRewritten(p, s)
	if e == nil {
		return
	}
	command, until := "CLUSTER", "until all of it is sorted and written"
	if repack != nil {
		command, until = "REPACK", "until all of it is written"
	}
	instead := "take it out of the migration: pg_repack sorts a table while it is in use"
	if p.AtLeast(recipe.RepackSince) {
		instead = "take a window without traffic: REPACK (CONCURRENTLY) takes only an ordinary, logged table with a primary key or an index as its REPLICA IDENTITY"
		if canRepack(s, e) {
			instead = adviseRepack(e, recipe.RepackOrder(c))
		}
	}
	p.Report(s, newWaitReport(e, command+" rewrites "+e.Name.String(), until, instead))
}

// canRepack reports whether REPACK (CONCURRENTLY) takes the table of an effect; also if the catalog does not have it.
func canRepack(s *rule.Stmt, e *effect.Effect) bool {
	t := s.Before.Relation(e.OID)
	return t == nil || recipe.CanRepack(t)
}

// adviseRepack returns the way to write a table anew from Postgres 19 on.
func adviseRepack(e *effect.Effect, options string) string {
	return recipe.RepackHarm(e.Name.String()) + ". onward apply and onward guard begin it while none is open, and cancel it before others wait for long. " +
		"Outside the migration and outside a transaction:\n" +
		"SET lock_timeout = '5s';\nREPACK (CONCURRENTLY) " + analysis.QuoteTable(e.Name) + options + ";"
}

// reportRepackConcurrently reports what the form that blocks nobody while it copies does at its end.
func reportRepackConcurrently(p *rule.Pass, s *rule.Stmt) {
	e := p.FindBlocked(&s.Result, func(e *effect.Effect) bool { return e.Waits })
	if e == nil || s.Result.Refused != nil {
		return
	}
	name := e.Name.String()
	p.Report(s, rule.Report{
		Severity: onward.Warning,
		Fact:     "REPACK (CONCURRENTLY) exchanges the file of " + name,
		Harm:     recipe.RepackHarm(name) + "; and while the exchange waits for its ACCESS EXCLUSIVE lock, every query on " + name + " waits behind it",
		Instead: "let onward apply or onward guard run it: they begin it while no such transaction is open, and cancel it before others wait for long; " +
			"or run it outside the migration, with a lock_timeout",
	})
}
