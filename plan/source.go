package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/onward"
)

// source is a release to plan. Several plans can be made of it, each with other chains left out.
type source struct {
	report   *onward.Report
	folds    []*audit.Folded
	settings *config.Config
	deployed *catalog.Catalog
	measure  measure
	// estimates is nil if sizes are not asked for.
	estimates estimator
	known     recordings
	// writer is [recipe.Release.Writer].
	writer func(table *catalog.Relation, column string) string
	// chains are all chains of the release; nil before they are needed.
	chains []*chain
}

// listChains returns the chains of the release.
func (s *source) listChains() []*chain {
	if s.chains == nil {
		p := s.newPlanner()
		for _, m := range s.folds {
			p.splitMigration(m)
		}
		s.chains = findChains(p.parts)
	}
	return s.chains
}

func (s *source) newPlanner() *planner {
	p := &planner{
		report: s.report, measure: s.measure, estimates: s.estimates,
		chainOf: map[partKey]*chain{}, keys: map[*recipe.Change]partKey{}, unsolved: map[*recipe.Change]bool{},
		bad: map[string]bool{}, found: map[string][]string{}, doubts: map[string][]string{}, plan: &onward.Plan{
			Schema: onward.PlanSchema, Base: s.report.Base, Head: s.report.Head, Migrations: []onward.PlannedMigration{}, Steps: []onward.PlanStep{},
			Proof: onward.PlanProof{Checks: []onward.PlanCheck{}, Missing: []string{}},
		},
	}
	p.release = recipe.NewRelease(s.deployed, s.report.Postgres)
	p.release.Unwritten, p.release.Writer = s.known.proveUnwritten, s.writer
	if s.settings != nil {
		p.release.Deprecated, p.release.SoftDelete = s.settings.Deprecated, s.settings.SoftDelete
	}
	return p
}

// buildPlan makes a plan that leaves some chains. The map has the reasons.
func (s *source) buildPlan(left map[*chain][]string) *planner {
	p := s.newPlanner()
	for _, m := range s.folds {
		p.plan.Migrations = append(p.plan.Migrations, onward.PlannedMigration{
			ID: m.ID, Path: m.Path, Guarded: m.Script != nil && m.Script.HasGuard(),
		})
		p.splitMigration(m)
	}
	for _, c := range s.listChains() {
		if _, isLeft := left[c]; !isLeft && !c.isOnlyCode() {
			p.chains = append(p.chains, c)
		}
		for _, key := range c.parts {
			p.chainOf[key] = c
		}
	}
	p.leaveChains(left)
	for _, t := range p.parts {
		if t.change != nil {
			p.changes = append(p.changes, t.change)
			p.keys[t.change] = t.partKey
		}
		p.plan.Proof.Missing = appendUnique(p.plan.Proof.Missing, t.missing)
	}
	p.runRecipes()
	p.orderSteps()
	p.auditSteps()
	p.plan.Catalog = p.release.Deployed.HashRelations(p.plan.Relations())
	return p
}

// planChains makes a plan of the chains that can be planned, as far as onward knows without a server. It leaves the others, and
// those in the map. Of a chain with a part that cannot be planned, it plans the parts that do not depend on that. If none can be planned, the plan has
// all steps, and says what is missing. The returned map has what the plan leaves.
func (s *source) planChains(left map[*chain][]string) (*planner, map[*chain][]string) {
	p, asked := s.buildPlan(left), left
	for first := p; ; {
		bad := map[*chain][]string{}
		cut := false
		for _, c := range p.chains {
			parts, reasons := p.findUnplanned(c)
			if len(parts) == 0 {
				continue
			}
			if rest := s.cutChain(c, parts); rest != nil {
				c, cut = rest, true
			}
			bad[c] = reasons
		}
		if len(bad) == 0 || len(bad) == len(p.chains) && !cut {
			if len(bad) > 0 {
				p, left = first, asked
			}
			p.setLeftReasons(left)
			return p, left
		}
		maps.Copy(bad, left)
		left = bad
		p = s.buildPlan(left)
	}
}

// cutChain cuts a chain of the release at parts that cannot be planned, and returns the rest; nil if the chain stays whole.
func (s *source) cutChain(c *chain, bad map[partKey]bool) *chain {
	planned, rest := c.cutAtParts(bad)
	if rest != nil {
		index := slices.Index(s.chains, c)
		s.chains = slices.Replace(s.chains, index, index+1, planned, rest)
	}
	return rest
}

// notChosen is why a plan leaves a chain that --only does not name.
const notChosen = "--only does not name its chain"

// findUnchosenChains returns the chains that are not chosen. Those that create an extension or a schema are always chosen, because others
// may use it without naming it.
func (s *source) findUnchosenChains(chosenNames []string) map[*chain][]string {
	out := map[*chain][]string{}
	if len(chosenNames) == 0 {
		return out
	}
	for _, c := range s.listChains() {
		preparing := slices.ContainsFunc(c.parts, func(k partKey) bool {
			return !k.isCode() && (k.statement.Node.GetCreateExtensionStmt() != nil || k.statement.Node.GetCreateSchemaStmt() != nil)
		})
		if !preparing && !slices.Contains(chosenNames, c.name) {
			out[c] = []string{notChosen}
		}
	}
	return out
}

// checkChainNames refuses a name that no chain has.
func (s *source) checkChainNames(chosenNames []string) error {
	var names []string
	for _, c := range s.listChains() {
		names = append(names, c.name)
	}
	for _, name := range chosenNames {
		if !slices.Contains(names, name) {
			return inputErrorf("no chain of the release is called %s; they are %s", name, strings.Join(names, ", "))
		}
	}
	return nil
}
