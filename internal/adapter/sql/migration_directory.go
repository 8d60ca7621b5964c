package sql

import (
	"cmp"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/configfile"
)

// migrationDir is a directory with its up migrations. The runners examine it.
type migrationDir struct {
	tree adapter.Tree
	adapter.Dir
	// ups are the up migrations in order. downs maps them to their down migrations. numbered is
	// how many have a version.
	ups      []string
	downs    map[string]string
	numbered int
	// files are the up migrations that were read.
	files []*adapter.File
	// deployed knows whose markers count; nil if there is no base.
	deployed *deployedMarkers
	// marked returns the tool whose markers a text has; nil for none.
	marked func(text string) *runner
	// version is the result of [migrationDir.readVersion].
	version     toolVersion
	versionRead sync.Once
	// evidence is the last file that was found as evidence for a tool.
	evidence string
}

func newMigrationDir(t adapter.Tree, s adapter.Source) *migrationDir {
	p := &migrationDir{tree: t, Dir: adapter.ListDir(t, s.Dir, ".sql"), marked: func(text string) *runner { return toolByMarkers(findHintedLines(text)) }}
	p.ups, p.downs, p.numbered = listSourceFiles(t, s, p.Dir)
	p.ups = omitBaselines(p.ups)
	p.deployed = newDeployedMarkers(s)
	return p
}

// readFiles reads some of the up migrations, or all.
func (p *migrationDir) readFiles(names []string) {
	p.files = adapter.ReadFiles(p.tree, p.Dir, names)
}

// removeFiles removes up migrations.
func (p *migrationDir) removeFiles(out func(name string, f *adapter.File) bool) {
	names, files := p.ups[:0:0], p.files[:0:0]
	for i, f := range p.files {
		if !out(p.ups[i], f) {
			names, files = append(names, p.ups[i]), append(files, f)
		}
	}
	p.ups, p.files = names, files
}

// takeNames takes the files of a directory that its tool runs, those with names that other tools give to a down migration, too, and reports
// those that it passes over.
func (p *migrationDir) takeNames(tool *runner, set *adapter.Set) {
	known := map[string]bool{}
	for _, n := range p.ups {
		known[n] = true
	}
	names := slices.Clip(p.ups)
	for _, n := range p.Names {
		if !known[n] && tool.names.MatchString(n) {
			names = append(names, n)
		}
	}
	if len(names) > len(p.ups) {
		p.ups = names
		sortVersions(p.ups)
		p.readFiles(p.ups)
	}
	p.passOver(set, func(name string) bool { return !tool.names.MatchString(name) },
		tool.name+" passes over %s: its name is not "+tool.nameForm, "name it like its neighbours: "+tool.nameExample)
}

// passOver removes the up migrations that a tool never runs, by their names, and reports each. message has %s for the name.
func (p *migrationDir) passOver(set *adapter.Set, isIgnored func(name string) bool, message, instead string) {
	p.removeFiles(func(n string, _ *adapter.File) bool {
		name := path.Base(n)
		if !isIgnored(name) {
			return false
		}
		set.Problems = append(set.Problems, adapter.Problem{
			Path: p.Join(n), Refusal: newFileRefusal(strings.Replace(message, "%s", name, 1), "the migration never runs", instead),
		})
		return true
	})
}

// reorderFiles changes the order of the up migrations.
func (p *migrationDir) reorderFiles(reorder func(names []string)) {
	sorted := slices.Clone(p.ups)
	if reorder(sorted); slices.Equal(sorted, p.ups) {
		return
	}
	content := make(map[string]*adapter.File, len(p.ups))
	for i, name := range p.ups {
		content[name] = p.files[i]
	}
	for i, name := range sorted {
		p.files[i] = content[name]
	}
	p.ups = sorted
}

// sortAsText sorts names as texts: 10 before 2.
func sortAsText(p *migrationDir, _ *adapter.Set) { p.reorderFiles(slices.Sort) }

// isHalfOfKind reports whether at least half of the files that were read are of a kind.
func (p *migrationDir) isHalfOfKind(kind func(text string) bool) bool {
	n, first := 0, ""
	for _, f := range p.files {
		if kind(f.Text) {
			n++
			first = cmp.Or(first, f.Path)
		}
	}
	return n > 0 && 2*n >= len(p.files) && p.recordEvidence(first)
}

// recordEvidence records the file that identifies the tool, and returns true.
func (p *migrationDir) recordEvidence(filePath string) bool {
	p.evidence = filePath
	return true
}

// nearestFileHas reports whether the closest file with this name, in the directory or above it, has a
// word in it.
func (p *migrationDir) nearestFileHas(name, word string) bool {
	filePath, ok := adapter.NearestFile(p.tree, p.Path, name)
	return ok && strings.Contains(adapter.ReadFile(p.tree, filePath).Text, word) && p.recordEvidence(filePath)
}

// dependsOn reports whether the closest Cargo.toml, in the directory or above it, has a dependency on a crate, or on
// one of its companions, whose names begin with the crate's.
func (p *migrationDir) dependsOn(crate string) bool {
	filePath, ok := adapter.NearestFile(p.tree, p.Path, "Cargo.toml")
	if !ok {
		return false
	}
	text := adapter.ReadFile(p.tree, filePath).Text
	return strings.Contains(text, crate) && slices.ContainsFunc(configfile.ReadDependencies(text), func(d configfile.Dependency) bool {
		return strings.HasPrefix(d.Name, crate)
	}) && p.recordEvidence(filePath)
}

// hasFile reports whether a file is in the directory.
func (p *migrationDir) hasFile(name string) bool {
	return adapter.HasFile(p.tree, p.Join(name)) && p.recordEvidence(p.Join(name))
}

// hasFileAbove reports whether a file with this name is in the directory or above it.
func (p *migrationDir) hasFileAbove(name string) bool {
	filePath, ok := adapter.NearestFile(p.tree, p.Path, name)
	return ok && p.recordEvidence(filePath)
}

// addDownFiles adds the down migrations that are next to an up.sql.
func (p *migrationDir) addDownFiles() {
	for _, up := range p.ups {
		if dir, file := path.Split(up); dir != "" && file == "up.sql" && p.hasFile(dir+"down.sql") {
			p.downs[up] = dir + "down.sql"
		}
	}
}
