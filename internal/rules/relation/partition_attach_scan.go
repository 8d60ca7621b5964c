package relation

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// PartitionAttachScan flags ATTACH PARTITION of an existing table whose rows have to be
// read, because no valid CHECK proves that they are within the bounds, or on
// which an index has to be built.
// https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE
var PartitionAttachScan = &rule.Rule{
	ID:       "partition-attach-scan",
	Category: onward.Locking,
	Severity: onward.Error,
	Summary:  "ATTACH PARTITION reads the whole table, or builds indexes on it, while nobody else can read it",
	Harm: "ATTACH PARTITION holds ACCESS EXCLUSIVE on the table that becomes a partition while every row is held against the bounds, " +
		"unless a valid CHECK proves them; an index of the parent that it lacks is built under the same lock.",
	Instead: "Add a CHECK with the bounds NOT VALID, validate it in a transaction of its own, build the missing indexes CONCURRENTLY, then attach: " +
		"that is instant. The CHECK can go afterwards.",
	Manual:    []string{"https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE"},
	Kinds:     rule.AlterTable,
	Statement: checkAttachScan,
}

func checkAttachScan(p *rule.Pass, s *rule.Stmt) {
	for _, a := range listAttachments(p, s) {
		if !p.InUse(a.part) || p.IsSmall(a.part.Name) {
			continue
		}
		alone := p.EffectsAlone(a.Command)
		e := findEffect(alone, a.part.Name)
		if alone.Refused != nil || e == nil || !e.Scans && !e.BuildsIndex {
			continue
		}
		check := "…the bounds, and the key IS NOT NULL…"
		if in := analysis.PartitionCondition(s.SQL, a.parent); in != "" {
			key := a.parent.Attr(a.parent.PartitionKey[0].Column).Name
			if c := a.part.Column(key); c == nil || !c.NotNull {
				in += " AND " + pgparse.QuoteIdent(key) + " IS NOT NULL"
			}
			check = in
		}
		bounds := catalog.ObjectName(a.part.Name.Name, "", "bounds")
		p.Report(a, rule.Report{
			Fact:     formatAttachFact(e),
			Harm:     analysis.DescribeWaiting(e) + " waits until it is done, and the time grows with the table",
			Grows:    e.Name,
			Severity: analysis.UnsureSeverity(e),
			Instead: "prove the bounds first, and build the parent's indexes on it concurrently; validating blocks nobody, in a transaction of its own:\n" +
				recipe.FormatStatements(recipe.AddUnvalidated(a.part.Name, bounds, "CHECK ("+check+")"), recipe.ValidateConstraint(a.part.Name, bounds), s.SQL),
		})
	}
}

func formatAttachFact(e *effect.Effect) string {
	switch {
	case e.BuildsIndex:
		return "attaching " + e.Name.String() + " builds an index on it that the parent has"
	case e.Unsure:
		return "attaching " + e.Name.String() + " reads all of it unless a CHECK proves its bounds"
	}
	return "attaching " + e.Name.String() + " reads all of it: no CHECK proves its bounds"
}
