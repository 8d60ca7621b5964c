package record

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/wire/collect"
	"github.com/onward-sql/onward/internal/workload"
)

// noFold keeps all schemas and databases apart.
const noFold = "none"

// leastFolded is how many schemas with the same tables make a family: two may be shards.
const leastFolded = 3

// canFold reports whether anything may be folded.
func (c *Config) canFold() bool { return !slices.Contains(c.Folds, noFold) }

// foldRule is a value of --fold: test_*=public counts the schemas test_* as public. into is "" if no name was given.
type foldRule struct{ pattern, into string }

// foldRules parses the values of --fold.
func (c *Config) foldRules() ([]foldRule, error) {
	var out []foldRule
	for _, text := range c.Folds {
		pattern, target, hasTarget := strings.Cut(text, "=")
		if pattern == noFold && !hasTarget {
			continue
		}
		if !strings.Contains(pattern, "*") || strings.Trim(pattern, "*") == "" || hasTarget && target == "" || strings.Contains(target, "*") {
			return nil, &config.InputError{Err: fmt.Errorf("--fold %q: write a pattern of names such as 'test_*', one with the name that replaces them such as "+
				"'test_*=public', or none", text)}
		}
		out = append(out, foldRule{pattern, target})
	}
	return out, nil
}

// foldWorkload folds the schemas and databases that a suite makes for its tests into one.
func (r *recorder) foldWorkload(w *Workload) (*Workload, error) {
	if !r.canFold() {
		return w, nil
	}
	rules, err := r.foldRules()
	if err != nil {
		return nil, err
	}
	used := usedSchemas(w)
	f := finder{shapes: &r.shapes, used: used, rules: rules}
	folds := append(f.findSchemaFolds(), f.findDatabaseFolds()...)
	if len(folds) == 0 {
		return w, nil
	}
	return workload.FoldNames(w, folds, collect.DatabaseGroup)
}

// usedSchemas are the schemas that the code's queries reach. The value says whether one qualifies a name with it.
func usedSchemas(w *Workload) map[string]bool {
	out := map[string]bool{}
	for i := range w.Queries {
		q := &w.Queries[i]
		if !q.IsCode() {
			continue
		}
		for _, name := range workload.QualifyingSchemas(q.SQL) {
			out[name] = true
		}
		for _, name := range workload.PathSchemas(q.SearchPath) {
			if !out[name] {
				out[name] = false
			}
		}
	}
	return out
}

// finder finds families of schemas and databases.
type finder struct {
	shapes *shapes
	used   map[string]bool
	rules  []foldRule
}

// shapesBySchema are the shapes of each schema's name in all databases.
func (f *finder) shapesBySchema() map[string][]string {
	out := map[string][]string{}
	for _, schemas := range f.shapes.found {
		for name, shape := range schemas {
			if shape != "" && !slices.Contains(out[name], shape) {
				out[name] = append(out[name], shape)
			}
		}
	}
	return out
}

// findSchemaFolds finds the families of schemas: those that match a given pattern, and those with the same tables that were not
// there before and whose names differ in a counter, a hash or a UUID.
func (f *finder) findSchemaFolds() []workload.Fold {
	known := f.shapesBySchema()
	names := map[string]bool{}
	for name := range known {
		names[name] = true
	}
	for name := range f.used {
		names[name] = true
	}
	var out []workload.Fold
	for _, rule := range f.rules {
		fold := workload.Fold{Kind: workload.FoldSchema, Pattern: rule.pattern, Into: rule.into, Names: matchingNames(names, rule)}
		if len(fold.Names) == 0 {
			continue
		}
		if fold.Into == "" {
			fold.Into = f.chooseSchema(fold.Pattern, fold.Names, known)
		}
		out = append(out, fold)
		for _, name := range fold.Names {
			delete(names, name)
		}
	}
	shape := map[string]string{}
	for name, list := range known {
		if names[name] && len(list) == 1 && !f.shapes.schemas[name] && name != "public" {
			shape[name] = list[0]
		}
	}
	for _, group := range findFamilies(shape) {
		out = append(out, workload.Fold{
			Kind:    workload.FoldSchema,
			Pattern: group.pattern,
			Names:   group.names,
			Into:    f.chooseSchema(group.pattern, group.names, known),
		})
	}
	return out
}

// matchingNames takes the names that a pattern matches, sorted.
func matchingNames(names map[string]bool, rule foldRule) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if workload.MatchPattern(rule.pattern, name) && name != rule.into {
			out = append(out, name)
		}
	}
	return out
}

// chooseSchema returns a family's new name: another schema with the same tables that was not dropped, since tests drop theirs; public if the queries
// reach the family by their search path, and public has no table; else the pattern without what differs.
func (f *finder) chooseSchema(pattern string, names []string, known map[string][]string) string {
	stem := patternStem(pattern)
	var twinSchemas []string
	for name, list := range known {
		if !slices.Contains(names, name) && len(list) == 1 && slices.Equal(list, known[names[0]]) {
			twinSchemas = append(twinSchemas, name)
		}
	}
	slices.Sort(twinSchemas)
	remainingTwins := slices.DeleteFunc(slices.Clone(twinSchemas), func(name string) bool { return f.shapes.dropped[name] })
	byPath := true
	for _, name := range names {
		byPath = byPath && !f.used[name]
	}
	switch {
	case slices.Contains(twinSchemas, stem):
		return stem
	case slices.Contains(twinSchemas, "public"):
		return "public"
	case len(remainingTwins) == 1:
		return remainingTwins[0]
	case byPath && len(known["public"]) == 0:
		return "public"
	case stem != "" && len(known[stem]) == 0:
		return stem
	}
	return names[0] // another schema has the name already
}

// findDatabaseFolds finds the families of databases. Only senders have their names.
func (f *finder) findDatabaseFolds() []workload.Fold {
	names, shape := map[string]bool{}, map[string]string{}
	for database, schemas := range f.shapes.found {
		var text []string
		for _, schema := range slices.Sorted(maps.Keys(schemas)) {
			if schemas[schema] != "" {
				for table := range strings.SplitSeq(schemas[schema], ",") {
					text = append(text, schema+" "+table)
				}
			}
		}
		names[database] = true
		if len(text) > 0 && !f.shapes.databases[database] {
			shape[database] = strings.Join(text, ",")
		}
	}
	var out []workload.Fold
	for _, rule := range f.rules {
		if list := matchingNames(names, rule); len(list) > 0 {
			fold := workload.Fold{Kind: workload.FoldDatabase, Pattern: rule.pattern, Into: rule.into, Names: list}
			if fold.Into == "" {
				fold.Into = databaseStem(rule.pattern, list)
			}
			out = append(out, fold)
			for _, name := range list {
				delete(shape, name)
			}
		}
	}
	for _, group := range findFamilies(shape) {
		out = append(out, workload.Fold{Kind: workload.FoldDatabase, Pattern: group.pattern, Names: group.names, Into: databaseStem(group.pattern, group.names)})
	}
	return out
}

// databaseStem is the new name of a family of databases.
func databaseStem(pattern string, names []string) string {
	if stem := patternStem(pattern); stem != "" {
		return stem
	}
	return names[0]
}
