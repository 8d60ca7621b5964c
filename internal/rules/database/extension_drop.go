package database

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ExtensionDrop flags DROP EXTENSION. https://www.postgresql.org/docs/current/sql-dropextension.html
var ExtensionDrop = &rule.Rule{
	ID:       "extension-drop",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "DROP EXTENSION takes its functions, types and operators away from deployed code",
	Harm: "Queries of the old code that call a function or operator of the extension fail. " +
		"With CASCADE every column of one of its types and every index with one of its operator classes is dropped as well, without a word in the log. " +
		"A table that ALTER EXTENSION … ADD made a member is dropped too, with its rows, and without CASCADE.",
	Instead: "Drop it a release after the code that used it, without CASCADE: the server refuses while a column, index or default needs it. " +
		"Take a member out first: ALTER EXTENSION … DROP TABLE.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-dropextension.html"},
	Kinds:     rule.Drop,
	Statement: checkExtensionDrop,
}

func checkExtensionDrop(p *rule.Pass, s *rule.Stmt) {
	for _, o := range s.ListDrops(pgparse.ObjectType_OBJECT_EXTENSION) {
		key := catalog.Name{Name: o.Name.Name}
		reportDroppedMembers(p, s, key.Name)
		seen := s.Before.Object("extension", key)
		if seen == nil && s.IfExists() || seen != nil && p.Release.Deployed.Object("extension", key) == nil || s.Tx.After.Object("extension", key) != nil {
			continue
		}
		r := rule.Report{
			Fact:     "extension " + key.Name + " is dropped",
			Harm:     "deployed code that calls its functions or operators fails",
			Instead:  "drop it a release after the code that used it",
			Severity: onward.Warning,
		}
		if s.Node.GetDropStmt().GetBehavior() == pgparse.DropBehavior_DROP_CASCADE {
			r.Fact += " with CASCADE"
			r.Harm = "columns of its types, with their values, indexes with its operator classes and defaults that call its functions are dropped, too"
			r.Instead = "leave CASCADE out: the server then says what still needs it"
			r.Severity = onward.Off
		}
		p.Report(s, r)
	}
}

// reportDroppedMembers reports the relations that statements put into an extension: DROP EXTENSION
// drops them, even without CASCADE.
func reportDroppedMembers(p *rule.Pass, s *rule.Stmt, extension string) {
	for i := range s.Deltas {
		d := &rule.Delta{Delta: &s.Deltas[i], By: s}
		if d.Kind != catalog.RelationDropped || d.Before.Extension != extension || !p.IsDeployed(d) ||
			s.Tx.After.Lookup(d.Before.Name.Schema, d.Before.Name.Name) != nil {
			continue
		}
		kind, name := d.Before.Kind.ForMessages(), d.Before.Name
		u := p.UsesTable(d)
		harm := u.DescribeBreak("the " + kind)
		if d.Before.Kind.IsTable() {
			harm = "its rows are lost; " + harm
		}
		p.Report(s, rule.Report{
			Fact: kind + " " + name.String() + " is dropped with extension " + extension + ", whose member it is",
			Harm: harm,
			Instead: "take it out of the extension first:\nALTER EXTENSION " + pgparse.QuoteIdent(extension) + " DROP " + strings.ToUpper(kind) + " " +
				analysis.QuoteTable(name) + ";",
			Evidence: u.Evidence,
		})
	}
}
