package plan

import (
	"slices"

	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rules/data"
	"github.com/onward-sql/onward/internal/rules/release"
	"github.com/onward-sql/onward/internal/rules/transaction"
	"github.com/onward-sql/onward/onward"
)

// manyRows are the rules that report a statement which writes many rows in one transaction.
var manyRows = []string{data.UpdateUnbatched.ID, data.DeleteUnbatched.ID, data.DeleteAll.ID, data.InsertSelectUnbatched.ID, transaction.LongWorkUnderLock.ID}

// addByRule adds a finding to the lists of a change that depend on the rule.
func addByRule(c *recipe.Change, f *onward.Finding) {
	if slices.Contains(manyRows, f.Rule) && f.Severity >= onward.Warning && f.ProbablySmall == "" {
		c.Rows = append(c.Rows, *f)
	}
	if f.Rule == release.CopyWithoutSync.ID {
		c.Copies = append(c.Copies, *f)
	}
}
