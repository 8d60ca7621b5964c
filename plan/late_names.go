package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

// usableNames are names that code may use: of tables and their columns, of types, labels of enums, and functions. The values describe them for
// people: "users.nick" has "column users.nick". Code uses a partition by its parent's name.
type usableNames map[string]string

func listUsableNames(c *catalog.Catalog) usableNames {
	out := usableNames{}
	c.EachRelation(func(r *catalog.Relation) bool {
		if r.Kind == catalog.Index || r.Kind == catalog.PartitionedIndex || r.Parent != 0 {
			return true
		}
		out[r.Name.String()] = r.Kind.String() + " " + r.Name.String()
		for _, col := range r.Columns {
			out[r.Name.String()+"."+col.Name] = "column " + r.Name.String() + "." + col.Name
		}
		return true
	})
	c.EachType(func(t *catalog.UserType) bool {
		out["type "+t.Name.String()] = "type " + t.Name.String()
		for _, label := range t.Labels {
			out["type "+t.Name.String()+"."+label] = "value '" + label + "' of " + t.Name.String()
		}
		return true
	})
	c.EachFunction(func(f *catalog.Function) bool {
		out["function "+f.Name.String()] = "function " + f.Name.String()
		return true
	})
	return out
}

// refuseLateNames doubts a step of the contract if it makes what the new code may use, which runs from the end of the backfill on. known are the
// names before the step, to which it adds, and head those after the release.
func (p *planner) refuseLateNames(s *onward.PlanStep, known, head usableNames, after *catalog.Catalog) {
	namesAfter := listUsableNames(after)
	var late []string
	for name := range namesAfter {
		if known[name] == "" && head[name] != "" {
			late = append(late, name)
		}
	}
	maps.Copy(known, namesAfter)
	slices.Sort(late)
	var list []string
	for _, name := range late {
		if table := name[:max(strings.LastIndexByte(name, '.'), 0)]; !slices.Contains(late, table) {
			list = append(list, namesAfter[name])
		}
	}
	if len(list) > 0 {
		p.reportDoubt(s.ID, "step %s makes %s in contract, and the new code may use it before: no order is safe", s.ID, prose.FirstAndRest(list, 3))
	}
}
