package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

// usableName is a name that code may use: of a table or its column, of a type or a label of an enum, or of a function. Code uses a
// partition by its parent's name.
type usableName struct {
	class  string // "", "type " or "function "
	object catalog.Name
	part   string
}

// String is the name as names are sorted.
func (n usableName) String() string {
	if n.part == "" {
		return n.class + n.object.String()
	}
	return n.class + n.object.String() + "." + n.part
}

// usableNames are names that code may use, with the words for people: "users.nick" has "column ".
type usableNames map[usableName]string

// listUsableNames returns the names of a schema. If an earlier schema is given, it leaves out the relations that this one has unchanged.
func listUsableNames(c, previous *catalog.Catalog) usableNames {
	out := usableNames{}
	c.EachRelation(func(r *catalog.Relation) bool {
		if r.Kind == catalog.Index || r.Kind == catalog.PartitionedIndex || r.Parent != 0 || previous != nil && previous.Relation(r.OID) == r {
			return true
		}
		out[usableName{object: r.Name}] = r.Kind.String()
		for _, col := range r.Columns {
			out[usableName{object: r.Name, part: col.Name}] = "column"
		}
		return true
	})
	c.EachType(func(t *catalog.UserType) bool {
		out[usableName{class: "type ", object: t.Name}] = "type"
		for _, label := range t.Labels {
			out[usableName{class: "type ", object: t.Name, part: label}] = "value"
		}
		return true
	})
	c.EachFunction(func(f *catalog.Function) bool {
		out[usableName{class: "function ", object: f.Name}] = "function"
		return true
	})
	return out
}

// refuseLateNames doubts a step of the contract if it makes what the new code may use, which runs from the end of the backfill on. known are the
// names before the step, to which it adds, and head those after the release.
func (p *planner) refuseLateNames(s *onward.PlanStep, known, head usableNames, before, after *catalog.Catalog) {
	namesAfter := listUsableNames(after, before)
	var late []usableName
	for name := range namesAfter {
		if known[name] == "" && head[name] != "" {
			late = append(late, name)
		}
	}
	maps.Copy(known, namesAfter)
	slices.SortFunc(late, func(a, b usableName) int { return strings.Compare(a.String(), b.String()) })
	var list []string
	for _, name := range late {
		whole := usableName{class: name.class, object: name.object}
		switch {
		case name.part != "" && slices.Contains(late, whole):
		case name.part != "" && name.class != "":
			list = append(list, "value '"+name.part+"' of "+name.object.String())
		default:
			list = append(list, namesAfter[name]+" "+strings.TrimPrefix(name.String(), name.class))
		}
	}
	if len(list) > 0 {
		p.reportDoubt(s.ID, "step %s makes %s in contract, and the new code may use it before: no order is safe", s.ID, prose.FirstAndRest(list, 3))
	}
}
