package removal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// SequenceDrop flags DROP SEQUENCE. https://www.postgresql.org/docs/current/sql-dropsequence.html
var SequenceDrop = &rule.Rule{
	ID:       "sequence-drop",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "DROP SEQUENCE breaks deployed code that takes numbers from it",
	Harm: "Code that calls nextval() or currval() itself (Hibernate, hand-written inserts, number ranges) fails with \"relation does not exist\". " +
		"The last number is gone, too: a sequence that is made again begins at 1.",
	Instead: "Drop it a release after the code that used it.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-dropsequence.html", "https://www.postgresql.org/docs/current/functions-sequence.html"},
	Commit:  checkSequenceDrop,
}

func checkSequenceDrop(p *rule.Pass, t *rule.Tx) {
	for d := range p.DeployedChanges(t, catalog.RelationDropped) {
		if d.Before.Kind != catalog.Sequence || d.By.Node.GetDropStmt().GetRemoveType() != pgparse.ObjectType_OBJECT_SEQUENCE ||
			findSuccessor(t, d.Before.Name) != nil {
			continue
		}
		u := p.Code.UsesName(p.DeployedName(d))
		if !u.Used && d.Before.Seq != nil && d.Before.Seq.OwnerTable != 0 {
			continue // a column's: column-drop-default has something to say, when there is
		}
		p.Report(d, describeDrop("sequence", d.Before.Name.String(), u))
	}
}
