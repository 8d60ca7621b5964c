package audit

import (
	"path"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// passedOver lists the files of a check that are neither judged nor listed: all that were
// named, and those of directories that hold SQL by their names.
func (j *judge) passedOver(t adapter.Tree, local []string, sets []*adapter.Set) {
	seen, named := map[string]bool{}, map[string]bool{}
	for _, o := range j.report.Opaque {
		seen[o.Path] = true
	}
	for _, s := range sets {
		for _, m := range s.Migrations {
			seen[m.Path], seen[m.DownPath] = true, true
		}
		for _, x := range s.Problems {
			seen[x.Path] = true
		}
	}
	for _, p := range local {
		named[p] = true
	}
	for _, p := range t.Paths() {
		switch {
		case seen[p]:
		case named[p] && down(p):
			j.opaque(onward.Opaque{Path: p, What: "a down migration, by its name", Why: "it is no part of a release; onward check - judges what it is given"})
		case named[p]:
			j.opaque(onward.Opaque{Path: p, What: "a file that was named", Why: "the runner of its directory is taken to pass over it; onward check - judges what it is given"})
		case adapter.OtherSQL(p) && adapter.Deployed(path.Dir(p)):
			j.opaque(onward.Opaque{Path: p, What: "a file that holds SQL by its name, which does not end in .sql", Why: "it was not taken for a migration; name it to have it judged"})
		}
	}
}
