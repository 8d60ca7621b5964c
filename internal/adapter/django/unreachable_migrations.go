package django

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
)

// findUnreachable finds the migrations that depend on one which their project does not have. It
// reports that Django refuses them, and returns them. A missing migration of a package
// may exist in another version of the package.
func (p *Project) findUnreachable(migrations []*adapter.Migration) map[string]bool {
	out := map[string]bool{}
	for _, e := range p.Errors {
		isProjectApp := len(e.Missing) == 2 && slices.ContainsFunc(p.Migrations, func(m Migration) bool { return m.App == e.Missing[0] && !m.External })
		if !isProjectApp {
			continue
		}
		for _, m := range migrations {
			if m.ID != e.App+"."+e.Name {
				continue
			}
			out[m.ID] = true
			r := history.Refusal{
				Line: 1, Column: 1,
				Message: m.ID + " " + e.Message,
				Harm:    "Django refuses to migrate: NodeNotFoundError: dependencies reference nonexistent parent node",
				Instead: "name a migration that is there",
			}
			if offset := strings.Index(m.Source.Text, e.Missing[1]); offset >= 0 {
				r.Line = 1 + strings.Count(m.Source.Text[:offset], "\n")
			}
			m.Problems = append(m.Problems, r)
		}
	}
	return out
}

// djangoError returns the error that Django raises instead of running the operation.
func (op *Operation) djangoError() history.Refusal {
	r := history.Refusal{
		Line: op.Line, Column: op.Column,
		Message: "Django refuses the " + op.Class + ": " + op.Refused,
		Harm:    "the migration stops here, and with it the deploy",
		Instead: "write operations that Django takes",
	}
	if strings.Contains(op.Refused, "through=") {
		r.Instead = "to give the field a through model, have that take over the table, in the state only: " +
			"SeparateDatabaseAndState(state_operations=[CreateModel(…) with the db_table of the field, " + op.Class + "(…)]); for another kind of field add a new one"
	}
	return r
}
