package data

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// InsertSelectUnbatched flags INSERT … SELECT of a whole table into a table in
// use. https://www.postgresql.org/docs/current/routine-vacuuming.html
var InsertSelectUnbatched = &rule.Rule{
	ID:       "data-insert-select-unbatched",
	Category: onward.Data,
	Severity: onward.Warning,
	Summary:  "INSERT … SELECT copies a whole table into an existing table in one transaction",
	Harm: "The rows are written in one transaction as long as the source is big: replicas lag, VACUUM can clean nothing up meanwhile, " +
		"and an INSERT of an equal key waits until it commits.",
	Instead:   "Copy in batches that commit, by a range of the source's key, outside the migration.",
	Manual:    []string{"https://www.postgresql.org/docs/current/routine-vacuuming.html"},
	Kinds:     rule.Data,
	Statement: checkInsertSelectUnbatched,
}

func checkInsertSelectUnbatched(p *rule.Pass, s *rule.Stmt) {
	for _, w := range listUnbatchedWrites(p, s, "INSERT") {
		if insert, ok := w.Node.(*pgparse.InsertStmt); w.Extent == analysis.Some || ok && analysis.GivesOneRow(insert.GetSelectStmt().GetSelectStmt()) {
			continue
		}
		e := findScannedSource(p, s, w)
		if e == nil {
			continue
		}
		if w.Extent == analysis.Few {
			r := rule.Report{Severity: onward.Warning}
			describeLoop(&r, s, "copies rows of "+e.Name.String()+" into "+w.Table.Name.String(), &w)
			r.Harm = describeCommit(s) + ": until then an INSERT of an equal key waits, and a loop that is cancelled has copied nothing"
			addFiredTriggers(&r, s, &w)
			p.Report(s, r)
			return
		}
		from, where := e.Name.String(), "WHERE … LIMIT 1000"
		if k := primaryKeyColumns(s.Before.Relation(e.OID)); len(k) > 0 {
			list := analysis.QuoteIdents(k)
			where = "WHERE (" + list + ") > (…) ORDER BY " + list + " LIMIT 1000"
		}
		table := w.Table.Name.String()
		r := rule.Report{
			Fact: "INSERT copies every row of " + from + " into " + table + " in one transaction",
			Harm: "replicas lag, and an INSERT of an equal key waits, for as long as " + from + " is big",
			Instead: "copy in batches that commit, outside the migration:\nINSERT INTO " + analysis.QuoteTable(w.Table.Name) + " … SELECT … FROM " +
				analysis.QuoteTable(e.Name) + " " + where + ";",
		}
		addFiredTriggers(&r, s, &w)
		p.Report(s, r)
		return
	}
}

// findScannedSource is the existing table that is scanned in full; nil when there is none.
func findScannedSource(p *rule.Pass, s *rule.Stmt, w analysis.Write) *effect.Effect {
	for i := range s.Result.Effects {
		e := &s.Result.Effects[i]
		if (e.Scans || e.Rows) && e.Name != w.Table.Name && e.Lock <= onward.RowShareLock && p.IsExisting(e) && !p.IsSmall(e.Name) && e.Name.Schema != "pg_catalog" {
			return e
		}
	}
	return nil
}
