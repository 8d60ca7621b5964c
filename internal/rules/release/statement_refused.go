package release

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// StatementRefused flags a statement that the server refuses, on the versions
// that the finding names.
var StatementRefused = &rule.Rule{
	ID:       "release-statement-refused",
	Category: onward.ReleaseOrder,
	Severity: onward.Error,
	Stops:    true,
	Summary:  "the server refuses the statement on this version or this schema",
	Harm: "The statement is well formed and cannot run: a form that this version of Postgres does not have, or one that the schema rules out. " +
		"The migration stops there.",
	Instead:   "Use a form that every version in production has, and name those versions in onward.yaml.",
	Last:      true,
	Statement: checkStatementRefused,
}

func checkStatementRefused(p *rule.Pass, s *rule.Stmt) {
	if s.Result.Refused == nil || s.RefusedRule() == identityRule || s.IsOptional() || s.FollowsFailure(s.Result.Refused) {
		return
	}
	r := rule.Report{
		Fact:    "the server refuses the statement: " + s.Result.Refused.Message(),
		Harm:    "the migration stops here, and with it the deploy",
		Instead: "use a form that the server takes on this schema",
		Stops:   rule.FailsOnAll(s.Results, s.Before),
	}
	if s.Result.Refused.Kind == pgerror.NoCast {
		r.Instead = "add a column of the new type under another name, fill it from the old one in batches, and drop the old one a release later"
	}
	if s.Result.Refused.Kind == pgerror.RelationExists {
		// A history that begins anew makes everything again.
		r.Cause = "and %d more relations that are made are there already"
	}
	if dependsOnSchema(s) {
		if s.AfterUnread {
			return
		}
		for _, e := range s.Result.Effects {
			if s.Before.HasExecutedText(e.Name.Name) {
				return // whoever wrote it may have seen to it
			}
		}
		if unseen := s.Before.LastUnseen(); unseen != "" {
			r.Severity = onward.Warning
			r.Harm = "the migration stops here, unless something unseen (" + unseen + ") changed the schema before"
		}
	}
	for _, group := range s.Results {
		if group.Result.Refused == nil {
			if s.Operation.IsRendered() {
				return // the framework asks the server for its version, and sends this only if it is accepted
			}
			// It depends on the version that is in production.
			r.Severity, r.Cause, r.Once = onward.Warning, "and %d more like it", true
			if areVersionsUnspecified(s) {
				r.Severity = onward.Info
			}
			r.Harm = "on these versions the migration stops here, and with it the deploy"
			r.Instead = "if they are in production, use a form that they have; if not, say so in onward.yaml: postgres"
		}
	}
	least := onward.Warning
	if r.Severity == onward.Off && r.Stops {
		least = onward.Error
	}
	if !p.IsRefusalClaimed(least) {
		p.Report(s, r)
	}
}

// identityRule looks at a migration as a whole, and so after this one.
const identityRule = "publication-identity-missing"

// dependsOnSchema reports whether a statement that names a relation is refused for what
// the schema has: if nothing was known of it, nothing would be refused.
func dependsOnSchema(s *rule.Stmt) bool {
	if len(s.Result.Effects) == 0 {
		return false
	}
	return effect.EffectOf(s.Node, catalog.New(), effect.NewVersion(s.Results[0].Versions[0]), effect.Inputs{}).Refused == nil
}

// endOfLife is the newest major version that gets no fixes any more.
const endOfLife = 13

// areVersionsUnspecified reports whether the versions that refuse the statement are in question
// only because nobody said which ones are in production.
func areVersionsUnspecified(s *rule.Stmt) bool {
	all := 0
	for _, group := range s.Results {
		all += len(group.Versions)
		if group.Result.Refused != nil && group.Versions[len(group.Versions)-1] > endOfLife {
			return false
		}
	}
	return all == onward.NewestMajor-onward.OldestMajor+1
}
