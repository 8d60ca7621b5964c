package audit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// mentionedDirs is how many directories the report lists for one other database.
const mentionedDirs = 3

// mergeOtherDatabases keeps one entry for each other database and its directories. It can be
// called again with its result.
func mergeOtherDatabases(list []onward.Opaque) []onward.Opaque {
	dirs := map[string][]string{}
	for _, o := range list {
		if o.Database != "" && !slices.Contains(dirs[o.Database], o.Path) {
			dirs[o.Database] = append(dirs[o.Database], o.Path)
		}
	}
	seen := map[string]bool{}
	out := make([]onward.Opaque, 0, len(list))
	for _, o := range list {
		if o.Database != "" {
			if seen[o.Database] {
				continue
			}
			seen[o.Database] = true
			if more := dirs[o.Database][1:]; len(more) > 0 {
				o.Why += "; there are more in " + strings.Join(more[:min(len(more), mentionedDirs)], ", ")
				if n := len(more) - mentionedDirs; n > 0 {
					o.Why += fmt.Sprintf(" and %d other directories", n)
				}
			}
		}
		out = append(out, o)
	}
	return out
}

// countUnjudged counts the places that could not be judged. Migrations for another database
// do not count, because Postgres does not run them.
func countUnjudged(list []onward.Opaque) (n int) {
	for i := range list {
		if list[i].Database == "" {
			n++
		}
	}
	return n
}
