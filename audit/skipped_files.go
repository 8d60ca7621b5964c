package audit

import (
	"path"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// listSkippedFiles lists the files of a check that are neither judged nor listed: all named
// files, and files in directories whose names say that they hold SQL.
func (j *judge) listSkippedFiles(t adapter.Tree, local []string, sets []*adapter.Set) {
	seen, namedPaths, foreign := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, o := range j.report.Opaque {
		seen[o.Path] = true
		foreign[o.Path] = foreign[o.Path] || o.Database != ""
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
		namedPaths[p] = true
	}
	for _, p := range t.Paths() {
		switch {
		case seen[p], foreign[path.Dir(p)]:
		case namedPaths[p] && isDownFile(p):
			j.addOpaque(onward.Opaque{Path: p, What: "a down migration, by its name", Why: "it is no part of a release; onward check - judges what it is given"})
		case namedPaths[p]:
			j.addOpaque(onward.Opaque{
				Path: p,
				What: "a file that was named",
				Why:  "onward assumes that the runner of its directory skips it; onward check - judges any input",
			})
		case path.Dir(p) != PlansDir && adapter.OtherSQL(p) && adapter.IsDeployed(path.Dir(p)):
			j.addOpaque(onward.Opaque{
				Path: p,
				What: "a file that holds SQL by its name, which does not end in .sql",
				Why:  "it does not count as a migration; name it to have it judged",
			})
		}
	}
}
