package release

import (
	"cmp"
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ColumnLeftRequired flags a column that the new code's models no longer have, and
// that INSERTs have to name all the same.
// https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-NOT-NULL
var ColumnLeftRequired = &rule.Rule{
	ID:            "release-column-left-required",
	Category:      onward.Compatibility,
	Severity:      onward.Error,
	BreaksNewCode: true,
	Summary:       "the new code leaves a column out of its INSERTs that is NOT NULL and has no default",
	Harm: "To take a field out of the model first and to drop its column a release later is right; " +
		"but from the moment the new code runs it leaves the column out of every INSERT, " +
		"and each fails with \"null value in column violates not-null constraint\". A default that only the model had is gone with it.",
	Instead: "Let the column be null, or give it a default, in the same release: both keep the deployed code working.",
	Manual:  []string{"https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-NOT-NULL"},
	Release: checkColumnLeftRequired,
}

func checkColumnLeftRequired(p *rule.Pass, r *rule.Release) {
	for _, h := range slices.Concat(changesOfKind(r, history.Unmapped), changesOfKind(r, history.Unwritten)) {
		t, name := mappedColumn(r, h)
		if t == nil {
			continue
		}
		column := t.Column(name)
		if column == nil || column.Inferred || !column.IsRequired() || hasDomainType(r.Head, column) || hasBeforeInsertTrigger(t) {
			continue
		}
		fact, each := "the new "+cmp.Or(h.Detail, "code")+" has no field for it", "every INSERT of the new code leaves "
		if h.Kind == history.Unwritten {
			fact, each = "the new code's INSERT leaves it out", "it leaves "
		}
		p.ReportAt(h.Migration, h.Path, h.Line, rule.Report{
			Fact:    "column " + column.Name + " of " + t.Name.String() + " stays NOT NULL without a default, and " + fact,
			Harm:    each + column.Name + " out and fails: null value in column \"" + column.Name + "\" violates not-null constraint",
			Instead: "let rows do without it until it is dropped:\n" + recipe.DropNotNull(t.Name, column.Name) + ";",
		})
	}
}

// hasDomainType reports whether a column has a domain for its type, which may have a
// default of its own.
func hasDomainType(c *catalog.Catalog, column *catalog.Column) bool {
	t := c.Type(column.Type.OID)
	return t != nil && t.Kind == catalog.Domain
}

// hasBeforeInsertTrigger reports whether a trigger may fill what an INSERT leaves out.
func hasBeforeInsertTrigger(t *catalog.Relation) bool {
	return slices.ContainsFunc(t.Triggers, func(g *catalog.Trigger) bool {
		return g.Row && g.RunsBefore("insert")
	})
}
