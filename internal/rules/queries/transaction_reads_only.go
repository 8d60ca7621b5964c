package queries

import (
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// transactionReadsOnly finds transactions that only read, and stay open.
var transactionReadsOnly = &Rule{Rule: rule.Rule{
	ID:       "transaction-reads-only",
	Category: onward.Queries,
	Severity: onward.Warning,
	Summary:  "A transaction that only reads stays open while nothing is sent",
	Harm: "Many mappers begin a transaction by themselves at the first query, and end it when the request is over. " +
		"Until then each table that was read is locked against migrations (AccessShareLock). They wait, and so does everybody who comes after them; " +
		"nobody else can use the connection; and VACUUM removes no row that has died since. " +
		"Reported is a second or more in which a transaction of reads is open and sends nothing.",
	Instead: "End it before what takes long, or send its queries without a transaction: autocommit.",
	Manual:  []string{"https://www.postgresql.org/docs/current/routine-vacuuming.html", "https://www.postgresql.org/docs/current/explicit-locking.html"},
}, check: func(p *pass) {
	p.reportIdleTransactions(true, onward.QueryFinding{
		Fact:    "a transaction that only reads stays open for %.1f s in which it sends nothing",
		Harm:    "a migration of the tables that it has read waits for it, and so does everybody after it; VACUUM removes nothing meanwhile",
		Instead: "end it before what takes long, or send its queries without a transaction",
	})
}}
