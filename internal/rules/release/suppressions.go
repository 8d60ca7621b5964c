package release

import (
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// SuppressionFindings are about comments that suppress others. They are documented and set as rules
// are, but the engine itself finds them.
func SuppressionFindings() []*rule.Rule {
	return []*rule.Rule{
		{
			ID: rule.SuppressionUnused, Category: onward.Suppression, Severity: onward.Warning,
			Summary: "A comment suppresses a rule that finds nothing there",
			Harm:    "The comment hides the next hazard of that kind, which nobody has weighed.",
			Instead: "Remove the comment. onward check reports it only if it knows what is deployed, because onward changelog may need the comment: " +
				"name the deployed migrations with --deployed.",
		},
		{
			ID: rule.SuppressionNoReason, Category: onward.Suppression, Severity: onward.Warning,
			Summary: "A comment that suppresses a rule gives no reason",
			Harm:    "The comment suppresses nothing. Without a reason the next reader cannot tell whether it still holds.",
			Instead: "Write the reason after the names: -- onward:ignore RULE: why it is safe here.",
		},
		{
			ID: rule.SuppressionMalformed, Category: onward.Suppression, Severity: onward.Warning,
			Summary: "A comment looks like a suppression, and suppresses nothing",
			Harm:    "Somebody weighed the hazard, and the finding is reported all the same.",
			Instead: "Write -- onward:ignore RULE: REASON with the name of a rule; onward rules lists the names.",
		},
	}
}
