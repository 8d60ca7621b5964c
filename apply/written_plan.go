package apply

import (
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/plan"
)

// A plan is run in one of two ways. Either onward apply --plan runs its steps, and records the migrations that they replace in
// the table of the migration tool. Or onward plan --write writes the steps as migrations, and the tool runs these. In that case
// the tool does not know steps that onward ran, and would run them again.

// refuseWrittenPlan refuses a plan that was not started here if its steps are also written as migrations.
func (t *Target) refuseWrittenPlan() error {
	files := t.c.writtenFiles
	if p := t.record.Plan; files == "" && p.Dir != "" {
		var list []string
		for i := range p.Steps {
			for _, f := range p.Steps[i].Files {
				list = append(list, f.Path)
			}
		}
		files = "in " + p.Dir
		if len(list) > 0 {
			files = prose.FirstNames(list, 3)
		}
	}
	if files == "" || t.record.AsWritten {
		return nil
	}
	return &RefusedError{Text: "the steps of this plan were written as migrations (" + files +
		"): their own tool runs them, and would run them again after onward. Nothing was changed. " +
		"Go on in one way: run these files with their tool, or with onward apply without --plan; or delete them and their plan in " + plan.Dir +
		", restore the migrations that they replace, and apply a plan of onward plan --format json", Next: "onward apply --db ADDRESS"}
}
