package blocking

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TableVacuumFull flags VACUUM FULL.
// https://www.postgresql.org/docs/current/sql-vacuum.html
var TableVacuumFull = &rule.Rule{
	ID:       "table-vacuum-full",
	Category: onward.Locking,
	Severity: onward.Error,
	Summary:  "VACUUM FULL writes the table anew while nobody can read it",
	Harm: "VACUUM FULL copies the live rows into a new file and rebuilds all indexes under ACCESS EXCLUSIVE. " +
		"Every query on the table waits, and the time grows with the table.",
	Instead: "A plain VACUUM with TRUNCATE false makes the space usable again and blocks nobody. To give it back to the system use pg_repack or pg_squeeze. " +
		newerRewrite,
	Manual: []string{
		"https://www.postgresql.org/docs/current/sql-vacuum.html",
		"https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-SPACE-RECOVERY",
	},
	Kinds:     rule.Another,
	Statement: checkVacuumFull,
}

func checkVacuumFull(p *rule.Pass, s *rule.Stmt) {
	stmt := s.Node.GetVacuumStmt()
	if stmt == nil {
		return
	}
	e := findRewritten(p, s)
	if e == nil {
		return
	}
	table := ""
	if e.OID != 0 || len(stmt.GetRels()) > 0 {
		table = " " + analysis.QuoteTable(e.Name)
	}
	instead := "let a plain VACUUM free the space for new rows, which blocks nobody:\nVACUUM (ANALYZE, TRUNCATE false)" + table + ";"
	if len(stmt.GetRels()) > 0 && p.AtLeast(recipe.RepackSince) && canRepack(s, e) {
		instead = adviseRepack(e, "")
	}
	p.Report(s, newWaitReport(e, "VACUUM FULL rewrites "+e.Name.String(), "until all of it is written", instead))
}
