package release

import (
	"cmp"

	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// LeavesConflict flags an app whose history ends in several migrations.
// https://docs.djangoproject.com/en/stable/topics/migrations/#version-control
var LeavesConflict = &rule.Rule{
	ID:       "release-leaves-conflict",
	Category: onward.ReleaseOrder,
	Severity: onward.Error,
	Summary:  "the history of an app ends in several migrations",
	Harm: "Two migrations build on the same one and none on both. Django refuses to migrate: \"Conflicting migrations detected; " +
		"multiple leaf nodes in the migration graph\".",
	Instead: "Let one depend on the other, or run makemigrations --merge.",
	Manual:  []string{"https://docs.djangoproject.com/en/stable/topics/migrations/#version-control"},
	Release: checkLeavesConflict,
}

func checkLeavesConflict(p *rule.Pass, r *rule.Release) {
	for _, h := range changesOfKind(r, history.Conflict) {
		p.ReportAt(h.Migration, h.Path, h.Line, rule.Report{
			Fact:    cmp.Or(h.Detail, h.Migration+" and "+h.Other+" both end the history of their app"),
			Harm:    cmp.Or(h.Runner, "the framework refuses to migrate: nothing says which of them comes last"),
			Instead: "let " + h.Migration + " depend on " + h.Other + h.Instead,
		})
	}
}
