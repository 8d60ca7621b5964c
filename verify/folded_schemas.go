package verify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/workload"
)

// addFolds keeps the folds of recordings.
func (c *checker) addFolds(loads []*Workload) {
	for _, load := range loads {
		c.folds = workload.MergeFolds(c.folds, load.Folds)
	}
}

// findAmbiguousFold finds a query that was recorded in several schemas of the deployed schema, and was folded: one of them may break
// alone.
func (c *checker) findAmbiguousFold(q *recordedQuery) string {
	if !q.Folded {
		return ""
	}
	for _, f := range c.folds {
		if f.Kind != workload.FoldSchema || !q.usesSchema(f.Into) {
			continue
		}
		for _, o := range c.moments[0].schema.relations {
			if o.schema != f.Into && slices.Contains(f.Names, o.schema) {
				return fmt.Sprintf("the recording folded schema %q into %q, and the deployed schema has it: record with --fold none", o.schema, f.Into)
			}
		}
	}
	return ""
}

// usesSchema reports whether a query may use a schema. One of which nothing is known may.
func (q *recordedQuery) usesSchema(name string) bool {
	if len(q.Uses) == 0 || name == "public" && q.SearchPath == "" || slices.Contains(workload.PathSchemas(q.SearchPath), name) {
		return true
	}
	return slices.ContainsFunc(q.Uses, func(u workload.Use) bool { return strings.HasPrefix(u.Relation, name+".") })
}

// foldNotes say which schemas a recording counts as one.
func (c *checker) foldNotes() []string {
	var out []string
	for _, f := range c.folds {
		if f.Kind == workload.FoldSchema {
			out = append(out, fmt.Sprintf("the recording counts %s as %s: their names are like %s, and the recording lists them",
				prose.CountNoun(len(f.Names), "schema"), f.Into, f.Pattern))
		}
	}
	return out
}
