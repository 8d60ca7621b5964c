package audit

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
)

// question is a table of a database, or a column of it. What else rules ask, they ask
// in the place of a schema: rule.AllColumns, rule.Value, rule.Upsert, rule.SettingName.
type question struct {
	table    catalog.Name
	column   string
	database int
}

// maxAsked bounds what is searched for: a release that drops a hundred tables
// is told so without a search for each.
const maxAsked = 100

// of answers the questions about a database, or keeps them for the search.
func (u *usage) of(database int) usesFunc {
	return func(table catalog.Name, column string) rule.Usage { return u.answer(question{table, column, database}) }
}

// answer gives what is known, and puts a question that needs a search with those of
// its kind.
func (u *usage) answer(q question) rule.Usage {
	if known, ok := u.cache[q]; ok {
		return known
	}
	var out rule.Usage
	kind := &u.asked
	switch {
	case q.star():
		if kind = &u.stars; !u.mayReadAll(q) {
			kind = nil
		}
	case q.value():
		kind = &u.values
	case q.setting():
		kind = &u.settings
	default:
		if known, ok := u.model(q); ok {
			if out, kind = known, &u.raw; known.Used {
				kind = nil
			}
		}
	}
	if kind != nil && len(*kind) < maxAsked {
		*kind = append(*kind, q)
	}
	u.cache[q] = out
	return out
}

// waits reports whether questions need a search.
func (u *usage) waits() bool {
	return len(u.asked)+len(u.raw)+len(u.stars)+len(u.values)+len(u.settings) > 0
}
