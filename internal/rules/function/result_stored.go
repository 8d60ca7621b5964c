package function

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ResultStored flags another body of a function whose results are stored.
// https://www.postgresql.org/docs/current/xfunc-volatility.html
var ResultStored = &rule.Rule{
	ID:       "function-result-stored",
	Category: onward.Data,
	Severity: onward.Warning,
	Summary:  "a function is replaced, and an index or a generated column holds what the old one gave",
	Harm: "Postgres trusts IMMUTABLE: nothing is computed again when the function changes. " +
		"Where the new body gives another result, an index on the expression no longer finds the rows that are stored, a unique one lets duplicates in, " +
		"and a stored generated column keeps the old value until its row is next updated. No statement fails.",
	Instead: "Give the new function another name and build a new index on it; or REINDEX INDEX CONCURRENTLY right after it, " +
		"and update the rows of a generated column in batches.",
	Manual:  []string{"https://www.postgresql.org/docs/current/xfunc-volatility.html", "https://www.postgresql.org/docs/current/indexes-expressional.html"},
	Gather:  gatherStoredResults,
	Release: checkResultStored,
}

// storedResult is a replaced function whose old results a relation holds: an index, or
// the table of a generated column.
type storedResult struct {
	by    *rule.Stmt
	fn    *catalog.Function
	user  catalog.OID
	where string
}

// renewedRelation is an index, or a table with its indexes, that the release builds anew, or
// a table whose rows it updates.
type renewedRelation struct{ oid catalog.OID }

func gatherStoredResults(p *rule.Pass, m *rule.Migration) {
	for _, t := range m.Txs {
		for i := range t.Deltas {
			d := &t.Deltas[i]
			if d.Kind != catalog.FunctionReplaced || d.By == nil || !p.DeployedFunction(d.OldFunction) || hasSameBody(d.OldFunction, d.NewFunction) ||
				len(t.After.Functions(d.NewFunction.Name.Schema, d.NewFunction.Name.Name)) != 1 {
				continue
			}
			for _, r := range t.After.CalledBy(d.NewFunction.Name.Name) {
				if storage := analysis.StoredObject(r, d.NewFunction.Name); storage != "" && !p.IsNew(r.OID) {
					p.KeepValue(storedResult{d.By, d.NewFunction, r.OID, storage})
				}
			}
		}
	}
	renewedOIDs := map[catalog.OID]bool{}
	keep := func(oid catalog.OID) {
		if !renewedOIDs[oid] {
			p.KeepValue(renewedRelation{oid})
		}
		renewedOIDs[oid] = true
	}
	for _, s := range m.Statements {
		if r := s.Node.GetReindexStmt(); r != nil {
			if found, _ := s.Before.Resolve(r.GetRelation()); found != nil {
				keep(found.OID)
			}
		}
		for _, w := range p.ListWrites(s) {
			keep(w.Table.OID)
		}
	}
}

func checkResultStored(p *rule.Pass, release *rule.Release) {
	done := map[catalog.OID]bool{}
	for _, x := range rule.KeptValues[renewedRelation](p) {
		done[x.oid] = true
	}
	var reportedStmts []*rule.Stmt
	for _, x := range rule.KeptValues[storedResult](p) {
		r := release.Head.Relation(x.user)
		if r == nil || done[r.OID] || slices.Contains(reportedStmts, x.by) {
			continue
		}
		out := rule.Report{
			Fact: x.fn.Signature() + " gets another body, and " + x.where + " holds what the old one gave",
		}
		if r.Index != nil {
			if done[r.Index.Table] {
				continue
			}
			out.Harm = "where the new result is another one, queries that use the index miss rows that are stored"
			if r.Index.Unique {
				out.Harm += ", and duplicates get in"
			}
			out.Instead = "build it again after this migration, which blocks nobody:\nREINDEX INDEX CONCURRENTLY " + analysis.QuoteTable(r.Name) + ";"
		} else {
			out.Harm = "where the new result is another one, each row keeps the old value until it is next updated"
			out.Instead = "update the rows in batches after this migration, each in a transaction of its own"
		}
		reportedStmts = append(reportedStmts, x.by)
		p.Report(x.by, out)
	}
}

var (
	ignored   = lazyregexp.New(`--[^\n]*|(?s:/\*.*?\*/)|[\s;]+`)
	qualifier = lazyregexp.New(`\b\w+\.(\w+\s*\()`)
)

// hasSameBody reports whether two bodies differ in white space, comments and the schemas
// of what they call at most.
func hasSameBody(a, b *catalog.Function) bool {
	plain := func(f *catalog.Function) string {
		return strings.ToLower(ignored.ReplaceAllString(qualifier.ReplaceAllString(f.Body, "$1"), ""))
	}
	return a.Language == b.Language && (plain(a) == plain(b) || a.Body == "" || b.Body == "")
}
