package release

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// StatementFails flags a statement that fails on the schema before it.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
var StatementFails = &rule.Rule{
	ID:       "release-statement-fails",
	Category: onward.ReleaseOrder,
	Severity: onward.Error,
	Stops:    true,
	Summary:  "the statement fails: what it names does not exist or exists already, or its rows do not fit",
	Harm: "The migrations up to here create, drop or rename what the statement names, or the rows that it writes are not what they ask for, " +
		"so the server refuses it. The migration stops, in the middle if it has no transaction, and the release cannot be deployed.",
	Instead:   "Name what is there at this point, or change the order of the migrations.",
	Manual:    []string{"https://www.postgresql.org/docs/current/errcodes-appendix.html"},
	Statement: checkStatementFails,
	Gather:    func(*rule.Pass, *rule.Migration) {}, // the statements keep what Release needs
	Release:   reportMissingRelations,
}

func checkStatementFails(p *rule.Pass, s *rule.Stmt) {
	recordMissingRelations(p, s)
	problems := s.Problems
	if len(problems) == 0 {
		if x := s.Before.FindUnseenName(p.Release.Deployed, s.Node); x != nil {
			problems = []catalog.Problem{*x}
		}
	}
	if len(problems) == 0 || s.IsOptional() || s.AfterUnread || s.RefusedRule() != "" {
		return // it may be skipped, finds another schema, or a rule of its own explains it
	}
	for _, x := range problems {
		reshaped := x.SQLSTATE == "42P16" && s.Node.GetViewStmt() != nil
		likely := x.Certain || x.Query || x.Unseen && isHistorySeen(p.Release.Deployed) || reshaped && s.Before.Unmodelled != nil
		if !likely || x.Body && !s.ReadsBodies() || s.FollowsFailure(&x.Refusal) {
			continue
		}
		if _, last := versionRange(s); x.Body && x.Until > 0 && last > x.Until {
			continue // release-statement-refused names the versions that refuse it; the others may know the form
		}
		r := rule.Report{
			Fact:    "the statement fails: " + x.Message(),
			Harm:    "the migration stops here, and with it the deploy",
			Instead: adviseBySQLState(&x),
			Stops:   true,
		}
		if v := x.InTheWay; v != nil {
			name := v.Kind.String() + " " + v.Name.String()
			r.Fact += ": " + name + " depends on it"
			r.Instead = "in one transaction, drop " + name + " before it and create it again after it, with its privileges"
			if v.Kind == catalog.MaterializedView {
				r.Instead += " and indexes"
			}
		} else if x.Held != "" {
			r.Fact += ": " + x.Held + " depends on it"
			r.Instead = "change " + x.Held + " so that it does not use the column, or drop it, before this statement"
		}
		if reshaped {
			r.Instead = "keep the view's columns, and add new ones at the end; or, a release after the code that reads the dropped columns, " +
				"drop the view and create it again in one transaction, with its privileges"
		}
		weighRefusal(p, s, &x, reshaped, &r)
		p.Report(s, r)
		return
	}
}

// adviseBySQLState returns the fix by SQLSTATE.
func adviseBySQLState(x *catalog.Problem) string {
	code := x.SQLSTATE
	switch {
	case x.Body:
		return "correct the body: it is read when the function is made"
	case x.IsDuplicate():
		return "it was created before: leave the statement out, or give the new one another name"
	case code == "23502":
		return "give the column a value, or a default before"
	case code == "23514":
		return "write a value that the constraint allows, or change the constraint before it"
	case code == "42P10":
		return "name the columns of a unique index or constraint, with the WHERE of a partial one, or create one before"
	case code == "42601":
		return "give each column one value"
	case x.Kind == pgerror.OnCommit:
		return "make it a temporary table, or leave ON COMMIT out"
	case x.Extension != "":
		return "create the extension that brings it before: CREATE EXTENSION IF NOT EXISTS " + pgparse.QuoteIdent(x.Extension) + ";"
	case x.IsMissing():
		return "it does not exist at this point, or has another name: name what is there, or change the order of the migrations"
	}
	if code == "42804" || strings.HasPrefix(code, "22") {
		return "write a value that the type of the column takes"
	}
	if code == "428C9" {
		return "leave the column out: the server fills it in; for an identity column OVERRIDING SYSTEM VALUE writes a number of its own"
	}
	return "run the release on an empty database to find the statement that stops it"
}
