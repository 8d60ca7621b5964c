// Package removal has the rules about names that go away: objects that a release drops, renames
// or moves to another schema while deployed code may use them.
//
// The functions of this file say what all such findings say. The file of a rule decides which
// objects deployed code can know, and what helps.
package removal

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// describeDrop describes an object that is dropped, of a kind that much code never names.
func describeDrop(kind, name string, u analysis.Usage) rule.Report {
	return rule.Report{
		Fact:     kind + " " + name + " is dropped",
		Harm:     u.DescribeBreak("the " + kind),
		Unused:   name,
		Instead:  "drop it a release later, when no old code runs any more",
		Severity: u.NameSeverity(),
		Evidence: u.AllEvidence(),
	}
}

// describeRelationDrop describes a table or view that is dropped. The harm calls it by a word.
func describeRelationDrop(kind, word string, name catalog.Name, u analysis.Usage) rule.Report {
	return rule.Report{
		Fact:     kind + " " + name.String() + " is dropped",
		Harm:     u.DescribeBreak(word),
		Unused:   name.String(),
		Instead:  u.FixBeforeDrop("it"),
		Severity: u.DropSeverity(),
		Evidence: u.AllEvidence(),
	}
}

// describeUnseenDrop describes DROP … IF EXISTS of a table or view that no statement created.
func describeUnseenDrop(kind, word string, name catalog.Name, u analysis.Usage) rule.Report {
	r := describeRelationDrop(kind, word, name, u)
	r.Fact += " if it exists"
	r.Severity = min(r.Severity, onward.Warning)
	return r
}

// describeMove describes an object that gets another name or schema.
func describeMove(kind string, from catalog.Name, act string, u analysis.Usage) rule.Report {
	return rule.Report{
		Fact:     kind + " " + from.String() + " " + act,
		Harm:     u.DescribeBreak("\"" + from.String() + "\""),
		Unused:   from.String(),
		Severity: u.NameSeverity(),
		Evidence: u.AllEvidence(),
	}
}

// describeAct describes what ALTER … RENAME TO or SET SCHEMA does with an object.
func describeAct(s *rule.Stmt, to catalog.Name) string {
	if s.Node.GetAlterObjectSchemaStmt() != nil {
		return "moves to schema " + to.Schema
	}
	return "is renamed to " + to.Name
}

// isSchemaUnknown reports whether nothing at all is known of the deployed schema: an object that no
// statement created may be there.
func isSchemaUnknown(p *rule.Pass) bool { return !p.Release.Known && p.Release.Deployed.IsBlank("") }

// findSuccessor returns the relation that has a name at commit; nil if nothing has.
func findSuccessor(t *rule.Tx, name catalog.Name) *catalog.Relation {
	return t.After.Lookup(name.Schema, name.Name)
}
