package release

import (
	"strconv"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// weighRefusal says how sure the refusal is, and what it rests on: a version, the rows
// that a query finds, a name that is spelled in another way, or what is unseen.
func weighRefusal(p *rule.Pass, s *rule.Stmt, x *catalog.Problem, reshaped bool, r *rule.Report) {
	switch {
	case x.Since > 0:
		older := "Postgres before " + strconv.Itoa(x.Since) + " drops " + x.Lost + " with it, without a word"
		r.Instead = "drop " + x.Lost + " first, a release after the code that reads it"
		if first, last := versionRange(s); last < x.Since {
			r.Fact, r.Stops = older, false
			r.Harm = "what is computed there is gone, and the deployed code that names it fails; newer versions refuse the statement"
		} else {
			r.Fact += ": " + x.Lost + " is computed from it"
			if first < x.Since {
				r.Harm += "; " + older
			}
		}
	case x.Query:
		r.Fact = "the statement fails for each row that its query finds: " + x.Message()
		r.Harm = "the migration stops here, on every database where the query finds a row"
		if q := s.Node.GetInsertStmt().GetSelectStmt().GetSelectStmt(); q == nil || p.EstimateRead(s, q) != analysis.Whole {
			r.Severity, r.Stops = onward.Warning, false
		}
	case x.Like != "":
		r.Fact += `: there is "` + x.Like + `", and a name without quotes has no capital letters`
		r.Instead, r.Stops = `write it in quotes: "`+x.Like+`"`, x.Certain
	case x.Unseen:
		r.Severity, r.Stops = onward.Warning, false
		r.Fact += ": no migration creates it"
		r.Harm = "the migration stops here, unless something beside the migrations creates it"
		if len(x.Objects) > 0 {
			r.SafeIf = x.Objects[0] + ", which no migration creates, exists"
		}
	case x.IsMissing() && s.Before.Unmodelled != nil:
		// What was seen dropped may have been made again unseen.
		r.Severity, r.Stops = onward.Warning, false
		r.Harm = "the migration stops here, unless something unseen (" + s.Before.Unmodelled.Text + ") created it"
	case reshaped && !x.Certain:
		r.Severity, r.Stops = onward.Warning, false
		r.Harm = "the migration stops here, unless something unseen (" + s.Before.Unmodelled.Text + ") has changed the view"
	}
}

// versionRange are the first and the last version that a statement is judged for.
func versionRange(s *rule.Stmt) (first, last int) {
	for _, group := range s.Results {
		for _, v := range group.Versions {
			if first == 0 || v < first {
				first = v
			}
			last = max(last, v)
		}
	}
	return first, last
}

// isHistorySeen reports whether the history before the release was seen. Without it, any object
// may have existed before.
func isHistorySeen(deployed *catalog.Catalog) bool {
	found := false
	deployed.EachRelation(func(r *catalog.Relation) bool {
		found = !r.Inferred
		return !found
	})
	return found
}
