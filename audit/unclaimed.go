package audit

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/onward"
)

// otherwise are the names of directories beside migrations that hold no migrations,
// whoever runs them.
var otherwise = regexp.MustCompile(`(?i)^(seeds?|fixtures?|testdata|tests?|quer(y|ies)|samples?|examples?|data|dumps?|backups?|downs?|downgrades?|rollbacks?|undo|reverts?|verify|snapshots?|reports?)$`)

// unclaimed lists what the release changes below a directory of migrations, and no
// runner that is known reads: SQL files in a directory of their own, and
// submodules, the files of which are in another repository.
func (a *changelog) unclaimed(pairs []pair) {
	claimed, dirs := map[string]bool{}, []string{}
	for _, p := range pairs {
		if p.source.Dir != "" {
			dirs = append(dirs, p.source.Dir)
		}
		for _, m := range p.head.Migrations {
			claimed[m.Path], claimed[m.DownPath] = true, true
		}
		for _, o := range p.head.Opaque {
			claimed[o.Path] = true
		}
		for _, x := range p.head.Problems {
			claimed[x.Path] = true
		}
	}
	below := func(file string) (rest string, ok bool) {
		for _, dir := range dirs {
			if rest, ok := strings.CutPrefix(file, dir+"/"); ok {
				return rest, true
			}
		}
		return "", false
	}
	told := map[string]bool{}
	for _, c := range a.rng.Changes {
		rest, ok := below(c.Path)
		if !ok || c.Kind == gitrange.Deleted || claimed[c.Path] || !strings.EqualFold(path.Ext(rest), ".sql") || !strings.Contains(rest, "/") {
			continue
		}
		dir := path.Dir(c.Path)
		if told[dir] || slices.ContainsFunc(strings.Split(path.Dir(rest), "/"), otherwise.MatchString) {
			continue
		}
		told[dir] = true
		a.opaque = append(a.opaque, onward.Opaque{
			Path: dir, What: "SQL files in a directory below the migrations, such as " + path.Base(c.Path),
			Why: "the runner is taken to read none of them; if it does, name the directory in onward.yaml",
		})
	}
	for _, module := range a.rng.Modules {
		if _, ok := below(module + "/x"); ok || strings.Contains(strings.ToLower(path.Base(module)), "migrat") {
			a.opaque = append(a.opaque, onward.Opaque{
				Path: module, What: "a git submodule among the migrations",
				Why: "its files are in another repository; run onward there, or give them to onward check",
			})
		}
	}
}
