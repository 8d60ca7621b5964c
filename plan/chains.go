package plan

import (
	"fmt"
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// chain is a group of parts that depend on each other. A plan takes all of them or leaves all of them.
type chain struct {
	name  string
	parts []partKey
	// later are the parts after code that is no SQL: they may need the rows that it writes.
	later map[partKey]bool
	// links has what each part changes and uses.
	links map[partKey]*links
}

// findChains groups the parts of a release: ALTER TABLE orders ADD COLUMN note text and CREATE INDEX ON orders (note) are one chain.
//
// Parts that share no changed object may run in any order with the same result. Whether they really do is left to the proof,
// which runs the plan's steps first and the parts that it leaves after them.
func findChains(parts []*part) (out []*chain) {
	root := make([]int, len(parts))
	for i := range root {
		root[i] = i
	}
	var find func(int) int
	find = func(i int) int {
		if root[i] != i {
			root[i] = find(root[i])
		}
		return root[i]
	}
	unite := func(a, b int) { root[max(find(a), find(b))] = min(find(a), find(b)) }
	all := make([]links, len(parts))
	changedBy := map[string][]int{}
	shares := map[*rule.Stmt]*commandShares{}
	firstOf := map[*links]int{} // the first part that has these links
	for i, t := range parts {
		all[i] = linksOf(t, shares)
		for l := &all[i]; l != nil; l = l.common {
			if _, ok := firstOf[l]; ok {
				continue
			}
			firstOf[l] = i
			for key := range l.changes {
				changedBy[key] = append(changedBy[key], i)
			}
		}
	}
	areLinked := map[*links]bool{}
	for i, t := range parts {
		for l := &all[i]; l != nil; l = l.common {
			if first := firstOf[l]; first != i {
				if areLinked[l] {
					unite(i, first)
				}
				continue
			}
			for key := range l.uses {
				changers := changedBy[key]
				for _, n := range changers {
					unite(i, n)
					areLinked[l] = true
				}
				if len(changers) > 1 {
					changedBy[key] = changers[:1] // the others are united with it now
				}
			}
		}
		if t.isCode() || t.statements[0].Node == nil {
			uniteUnknownPart(parts, i, unite)
		}
	}
	names := map[string]int{}
	chainByRoot := map[int]*chain{}
	for i, t := range parts {
		c := chainByRoot[find(i)]
		if c == nil {
			c = &chain{name: chainName(t, &all[i], names), later: map[partKey]bool{}, links: map[partKey]*links{}}
			chainByRoot[find(i)] = c
			out = append(out, c)
		}
		if slices.ContainsFunc(c.parts, partKey.isCode) {
			c.later[t.partKey] = true
		}
		c.parts, c.links[t.partKey] = append(c.parts, t.partKey), &all[i]
	}
	return out
}

// deltaNames returns the names of the column, constraint, index or trigger that a delta is about.
func deltaNames(d *catalog.Delta) (names []string) {
	for _, col := range []*catalog.Column{d.Old, d.New} {
		if col != nil {
			names = append(names, col.Name)
		}
	}
	for _, con := range []*catalog.Constraint{d.OldConstraint, d.NewConstraint} {
		if con != nil {
			names = append(names, con.Name)
		}
	}
	for _, x := range []*catalog.Relation{d.OldIndex, d.NewIndex} {
		if x != nil {
			names = append(names, x.Name.Name)
		}
	}
	for _, x := range []*catalog.Trigger{d.OldTrigger, d.NewTrigger} {
		if x != nil {
			names = append(names, x.Name)
		}
	}
	return names
}

// deltaObjectNames returns the names of the type, function, policy or other object that a delta is about.
func deltaObjectNames(d *catalog.Delta) (names []string) {
	for _, x := range []*catalog.UserType{d.OldType, d.NewType} {
		if x != nil {
			names = append(names, x.Name.Name)
		}
	}
	for _, x := range []*catalog.Function{d.OldFunction, d.NewFunction} {
		if x != nil {
			names = append(names, x.Name.Name)
		}
	}
	for _, x := range []*catalog.Object{d.OldObject, d.NewObject} {
		if x != nil {
			names = append(names, x.Name.Name)
		}
	}
	if d.Policy != nil {
		names = append(names, d.Policy.Name)
	}
	return names
}

// uniteUnknownPart unites a part whose statements are unknown with others: code with the later parts whose outcome depends on rows, which
// it may write; an unreadable statement with all parts.
func uniteUnknownPart(parts []*part, i int, unite func(a, b int)) {
	for n, other := range parts {
		if !parts[i].isCode() || n > i && other.isDataDependent() {
			unite(i, n)
		}
	}
}

// cutAtParts cuts a chain at parts that cannot be planned. The rest has them and all later parts that depend on them: it can run after the other
// parts, as in the release. cutAtParts returns nil if the rest would be the whole chain, or all of it that is SQL.
func (c *chain) cutAtParts(bad map[partKey]bool) (planned, rest *chain) {
	planned = &chain{name: c.name, later: c.later, links: c.links}
	rest = &chain{name: c.name + "#rest", later: c.later, links: c.links}
	restLinks, commonAdded := newLinks(), map[*links]bool{}
	cutsEverything := false
	for _, key := range c.parts {
		l := c.links[key]
		if !bad[key] && !cutsEverything && !restLinks.mustKeepOrderWith(l) {
			planned.parts = append(planned.parts, key)
			continue
		}
		rest.parts = append(rest.parts, key)
		restLinks.add(l, commonAdded)
		cutsEverything = cutsEverything || !key.isCode() && key.statement.Node == nil
	}
	if planned.isOnlyCode() || len(rest.parts) == 0 {
		return nil, nil
	}
	return planned, rest
}

// isOnlyCode reports whether no part of a chain is SQL.
func (c *chain) isOnlyCode() bool {
	return !slices.ContainsFunc(c.parts, func(k partKey) bool { return !k.isCode() })
}

// chainName returns a name for a chain that no other chain has.
func chainName(t *part, l *links, names map[string]int) string {
	name := l.label
	if name == "" {
		name = fmt.Sprintf("%s:%d", t.migration.ID, t.line)
	}
	names[name]++
	if n := names[name]; n > 1 {
		name = fmt.Sprintf("%s#%d", name, n)
	}
	return name
}

// findUnplanned returns the parts of a chain whose steps cannot be proven, and why; nothing if they may be.
func (p *planner) findUnplanned(c *chain) (bad map[partKey]bool, allReasons []string) {
	bad = map[partKey]bool{}
	add := func(key partKey, reasons []string) {
		if len(reasons) > 0 {
			bad[key], allReasons = true, appendUnique(allReasons, reasons)
		}
	}
	for _, t := range p.parts {
		if p.chainOf[t.partKey] == c {
			add(t.partKey, t.missing)
		}
	}
	for i := range p.steps {
		if p.chainOfStep(i) == c {
			add(p.keys[p.steps[i].From], p.doubts[p.plan.Steps[i].ID])
		}
	}
	return bad, allReasons
}

// isUnplanned reports whether the steps of a chain cannot be proven.
func (p *planner) isUnplanned(c *chain) bool {
	bad, _ := p.findUnplanned(c)
	return len(bad) > 0
}

// chainOfStep returns the chain of a step; nil for a step that belongs to no single one.
func (p *planner) chainOfStep(i int) *chain {
	if i >= len(p.steps) {
		return nil
	}
	return p.chainOf[p.keys[p.steps[i].From]]
}

// groupSteps returns the chains of the plan with their steps. A step that belongs to no single chain is in the last one.
func (p *planner) groupSteps(passed bool) (out []onward.PlanGroup) {
	groupIndex := map[*chain]int{}
	changes := map[*chain]int{}
	for _, t := range p.parts {
		changes[p.chainOf[t.partKey]]++
	}
	for _, c := range p.chains {
		groupIndex[c] = len(out)
		out = append(out, onward.PlanGroup{
			Name: c.name, Changes: changes[c], Steps: []string{}, Proven: passed && len(p.blocked) == 0 && !p.isUnplanned(c),
		})
	}
	for i := range p.plan.Steps {
		n := len(out) - 1
		if c := p.chainOfStep(i); c != nil {
			n = groupIndex[c]
		}
		if n >= 0 {
			out[n].Steps = append(out[n].Steps, p.plan.Steps[i].ID)
		}
	}
	return out
}
