package audit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// PlanSteps is the framework of a migration that stands for the steps of a plan under way.
const PlanSteps = "onward apply"

// withPlanSteps returns the deployed migrations of a source as the database has them: the steps of each plan under way that are done are in the place of
// the migrations that the plan replaces, or after all others if the base does not have these.
func (k *deployedFacts) withPlanSteps(list []*adapter.Migration, c *comparison, schema string) []*adapter.Migration {
	for i := range k.plans.Begun {
		p := &k.plans.Begun[i]
		isReplaced := func(m *adapter.Migration) bool {
			return slices.ContainsFunc(p.Migrations, func(r onward.PlannedMigration) bool { return isPlanned(r, m) })
		}
		if p.Schema != schema && p.Schema != "" {
			continue
		}
		first := slices.IndexFunc(list, isReplaced)
		if first < 0 && !slices.ContainsFunc(c.replaced, isReplaced) {
			continue
		}
		steps := stepsMigration(p)
		if first < 0 {
			list = append(slices.Clone(list), steps)
			continue
		}
		list = slices.Insert(slices.Clone(list), first, steps)
		list = slices.DeleteFunc(list, isReplaced)
	}
	return list
}

// isPlanned reports whether the steps of a plan do all that a migration does. An edited migration, or one that the plan leaves in part, is another one.
func isPlanned(p onward.PlannedMigration, m *adapter.Migration) bool {
	return p.ID == m.ID && p.Path == m.Path && p.Hash != "" && p.Hash == m.Hash
}

// stepsMigration returns the steps of a plan that are done, without its backfills, as a migration. The base has the plan's schema under the name public.
func stepsMigration(p *ledger.UnfinishedPlan) *adapter.Migration {
	var b strings.Builder
	out := &adapter.Migration{ID: p.ID, Path: "plan " + p.ID, Framework: PlanSteps}
	out.Source.Mode, out.Source.LineComment = onward.TransactionNone, "--"
	add := func(sql string) {
		out.Source.Parts = append(out.Source.Parts, script.Part{SQL: sql, Start: b.Len()})
		b.WriteString(sql + "\n")
	}
	path := p.Path
	if p.Schema != "" {
		path = pgparse.RenameInPath(path, p.Begun.Schema, "public")
	}
	const kept = "onward.search_path"
	add(fmt.Sprintf("SELECT pg_catalog.set_config('%s', pg_catalog.current_setting('search_path'), false);", kept))
	if path != "" {
		add("SET search_path = " + path + ";")
	}
	for i := range p.Steps {
		if s := &p.Steps[i]; p.Done[s.ID] && !s.Repeat {
			add(strings.TrimRight(s.SQL, "; \n") + ";")
		}
	}
	add(fmt.Sprintf("SELECT pg_catalog.set_config('search_path', pg_catalog.current_setting('%s'), false);", kept))
	out.Source.Text = b.String()
	return out
}
