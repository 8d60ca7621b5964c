// Package rules is the list of all rules. Each has a file of its own, named as its id, and a
// fixture in its folder's testdata; all.go is generated from them. A folder holds the rules
// about one subject (column), whose names leave the subject out, or about one act (rename).
//
// To add one: go run ./internal/rules/tools/new index-create-blocking, fill in both
// files, then go generate ./internal/rules.
package rules

import "github.com/onward-sql/onward/internal/rule"

//go:generate go run ./tools/gen
//go:generate go run ./tools/pages

// All gives every rule, by name.
func All() []*rule.Rule { return all }

// FindRule is the rule of a name; nil when there is none.
func FindRule(id string) *rule.Rule {
	for _, r := range all {
		if r.ID == id {
			return r
		}
	}
	return nil
}
