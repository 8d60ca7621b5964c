package removal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// SequenceRename flags ALTER SEQUENCE … RENAME TO.
// https://www.postgresql.org/docs/current/sql-altersequence.html
var SequenceRename = &rule.Rule{
	ID:       "sequence-rename",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "renaming a sequence, or moving it to another schema, breaks deployed code that knows it by name",
	Harm:     "Defaults follow a rename, text does not: code that calls nextval('name') itself fails with \"relation does not exist\".",
	Instead:  "Leave the name as it is. Nobody sees it but the code that breaks.",
	Manual:   []string{"https://www.postgresql.org/docs/current/sql-altersequence.html"},
	Commit:   checkSequenceRename,
}

func checkSequenceRename(p *rule.Pass, t *rule.Tx) {
	for d := range p.DeployedChanges(t, catalog.RelationRenamed) {
		if d.Before.Kind != catalog.Sequence || findSuccessor(t, d.Before.Name) != nil {
			continue
		}
		if d.By.Node.GetRenameStmt() == nil && d.By.Node.GetAlterObjectSchemaStmt().GetObjectType() != pgparse.ObjectType_OBJECT_SEQUENCE {
			continue // it goes with its table
		}
		u := p.Code.UsesName(p.DeployedName(d))
		if !u.Used && !u.Named && (u.Known || d.Before.Seq != nil && d.Before.Seq.OwnerTable != 0) {
			continue // a default takes its numbers, and follows
		}
		r := describeMove("sequence", d.Before.Name, describeAct(d.By, d.After.Name), u)
		r.Instead = "leave the name as it is, or rename it a release later"
		p.Report(d, r)
	}
}
