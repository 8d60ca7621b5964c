package sequence

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// Rename flags ALTER SEQUENCE … RENAME TO.
// https://www.postgresql.org/docs/current/sql-altersequence.html
var Rename = &rule.Rule{
	ID:       "sequence-rename",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Preset:   onward.Recommended,
	Summary:  "renaming a sequence, or moving it to another schema, breaks deployed code that knows it by name",
	Harm:     "Defaults follow a rename, text does not: code that calls nextval('name') itself fails with \"relation does not exist\".",
	Instead:  "Leave the name as it is. Nobody sees it but the code that breaks.",
	Manual:   []string{"https://www.postgresql.org/docs/current/sql-altersequence.html"},
	Commit:   checkSequenceRename,
}

func checkSequenceRename(p *rule.Pass, t *rule.Tx) {
	for i := range t.Deltas {
		d := &t.Deltas[i]
		if !isSequenceDeployed(p, d, catalog.RelationRenamed) || isNameTaken(t, d) {
			continue
		}
		what := "is renamed to " + d.After.Name.Name
		switch moves := d.By.Node.GetAlterObjectSchemaStmt(); {
		case moves.GetObjectType() == pgparse.ObjectType_OBJECT_SEQUENCE:
			what = "moves to schema " + d.After.Name.Schema
		case d.By.Node.GetRenameStmt() == nil:
			continue // it goes with its table
		}
		u := p.Code.UsesName(p.DeployedName(d))
		if !u.Used && !u.Named && (u.Known || d.Before.Seq != nil && d.Before.Seq.OwnerTable != 0) {
			continue // a default takes its numbers, and follows
		}
		p.Report(d, rule.Report{
			Fact:     "sequence " + d.Before.Name.String() + " " + what,
			Harm:     u.DescribeBreak("\"" + d.Before.Name.String() + "\""),
			Unused:   d.Before.Name.String(),
			Instead:  "leave the name as it is, or rename it a release later",
			Severity: severityOfUse(u),
			Evidence: u.Evidence,
		})
	}
}
