package audit

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/code/deployed"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/onward"
)

// findSources returns the configured ones, else the detected ones.
func (a *changelog) findSources(t adapter.Tree, adapters []adapter.Adapter) ([]adapter.Source, []onward.Opaque, error) {
	if len(a.Settings.Migrations) > 0 {
		return a.configuredSources(t, adapters), nil, nil
	}
	found, skipped := adapter.DetectSources(t, adapters)
	if len(found) == 0 {
		return nil, skipped, adapter.NotFound(t, adapters, skipped)
	}
	chosen, ties := adapter.ChooseSources(found)
	chosen = slices.DeleteFunc(chosen, func(s adapter.Source) bool { return !a.unnamed && all.Traits(s.Framework).NeedsCommand })
	if len(chosen) == 0 && len(ties) == 0 {
		return nil, skipped, adapter.NotFound(t, adapters, skipped)
	}
	for i := range chosen {
		chosen[i].Options.Runner = assumedRunner(a.Settings)
	}
	chosen, scripts := dropScriptDirs(t, chosen)
	if !a.unnamed { // the release changes nothing in the other directories
		scripts = slices.DeleteFunc(scripts, func(o onward.Opaque) bool {
			return !slices.ContainsFunc(a.rng.Changes, func(c gitrange.Change) bool { return o.Path == "." || strings.HasPrefix(c.Path, o.Path+"/") })
		})
	}
	return chosen, append(append(skipped, ties...), scripts...), nil
}

// NothingRuns is why a project's migrations are not judged with [Config].Still.
const NothingRuns = "its migrations are rendered by its own code, and nothing was to be run"

// removeUnrenderable removes the sources whose migrations only the project itself can render, if its
// code must not run, and lists them.
func (a *changelog) removeUnrenderable(sources []adapter.Source) []adapter.Source {
	if !a.Still {
		return sources
	}
	return slices.DeleteFunc(slices.Clone(sources), func(s adapter.Source) bool {
		traits := all.Traits(s.Framework)
		o := onward.Opaque{
			Path: cmp.Or(s.Dir, "."),
			What: cmp.Or(traits.Project, s.Framework),
			Why:  NothingRuns,
		}
		if traits.Renders && !slices.Contains(a.opaque, o) {
			a.opaque = append(a.opaque, o)
		}
		return traits.Renders
	})
}

// dropScriptDirs removes directories of SQL files that only look like migrations, if the
// repository has a migration tool: scripts, seeds, queries. They are listed, not judged.
// A directory with a tool of its own stays, and so does one called migrations in a module
// without a tool: another service.
func dropScriptDirs(t adapter.Tree, sources []adapter.Source) ([]adapter.Source, []onward.Opaque) {
	tool := slices.IndexFunc(sources, func(s adapter.Source) bool { return !all.Traits(s.Framework).Plain })
	if tool < 0 {
		return sources, nil
	}
	moduleOf := deployed.FindModules(t)
	tools, sure := map[string]bool{}, make([]bool, len(sources))
	for i, s := range sources {
		if sure[i] = !all.Traits(s.Framework).Plain || s.Score >= 3 || all.HasOwnTool(t, s); sure[i] {
			tools[moduleOf(s.Dir)] = true
		}
	}
	var remaining []adapter.Source
	var out []onward.Opaque
	for i, s := range sources {
		module := moduleOf(s.Dir)
		elsewhere := module != "" && !tools[module] && strings.Contains(strings.ToLower(path.Base(s.Dir)), "migrat")
		if sure[i] || elsewhere && !isOfRenderingProject(t, sources, s.Dir) {
			remaining = append(remaining, s)
			continue
		}
		out = append(out, onward.Opaque{
			Path: cmp.Or(s.Dir, "."), What: s.Why,
			Why: fmt.Sprintf("not taken for migrations, because %s is used in %s; if they are, name the directory in onward.yaml", sources[tool].Framework,
				cmp.Or(sources[tool].Dir, ".")),
		})
	}
	return remaining, out
}

// isOfRenderingProject reports whether a directory belongs to the code of a project that renders its
// migrations: SQL in it is read or was printed by the code next to it.
func isOfRenderingProject(t adapter.Tree, sources []adapter.Source, dir string) bool {
	return slices.ContainsFunc(sources, func(s adapter.Source) bool {
		part := all.Traits(s.Framework).Package
		return part != "" && adapter.HasFile(t, path.Join(dir, part)) && (s.Dir == "" || strings.HasPrefix(dir, s.Dir+"/"))
	})
}

// assumedRunner returns the configuration for every session.
func assumedRunner(c *config.Config) history.Runner {
	return history.Runner{
		LockTimeout: c.Assume.LockTimeout.Milliseconds(), StatementTimeout: c.Assume.StatementTimeout.Milliseconds(), TimeZone: c.Assume.TimeZone,
	}
}

// configuredSources makes sources of the directories that onward.yaml names and the tree has.
func (a *changelog) configuredSources(t adapter.Tree, adapters []adapter.Adapter) []adapter.Source {
	c := a.Settings
	var out, detected []adapter.Source
	paths := t.Paths()
	for _, m := range c.Migrations {
		dir := entryDir(&m)
		if dir != "" && !slices.ContainsFunc(paths, func(p string) bool { return strings.HasPrefix(p, dir+"/") }) {
			continue
		}
		if m.Framework == "" {
			if detected == nil {
				found, _ := adapter.DetectSources(t, adapters)
				detected, _ = adapter.ChooseSources(found)
			}
			m.Framework = all.Plain
			if i := slices.IndexFunc(detected, func(s adapter.Source) bool { return s.Dir == dir }); i >= 0 {
				m.Framework = detected[i].Framework
			}
		}
		s := adapter.Source{Framework: m.Framework, Dir: dir, Deep: m.Runner != nil, Score: 3, Why: configuredWhy, Options: fileOptions(c, &m)}
		s.Options.Render, s.Options.RenderRefused = m.Render, a.refused[m.Line]
		s.Options.Capture, s.Options.CaptureBase, s.Options.CaptureDir = m.Capture, m.CaptureBase, m.CaptureDir
		s.Options.Sandbox = m.Sandbox
		out = append(out, s)
	}
	return out
}

// entryDir returns the directory of an entry of onward.yaml as sources have it: "" is the root.
func entryDir(m *config.Migrations) string {
	if dir := strings.Trim(m.Dir, "/"); dir != "." {
		return dir
	}
	return ""
}

// fileOptions returns the settings of an entry of onward.yaml, without the commands that it names.
func fileOptions(c *config.Config, m *config.Migrations) adapter.Options {
	o := adapter.Options{
		Transaction: m.Transaction, Own: m.Runner, Runner: configuredRunner(c, m), Static: m.Static,
		Python: m.Python, Settings: m.Settings, Environment: m.Environment, RenderTimeout: time.Duration(m.RenderTimeout.Milliseconds()) * time.Millisecond,
	}
	if o.Own != nil {
		o.Transaction = "" // a marker in a file may say otherwise
	}
	return o
}

// addOwnRunners replaces detected sources by the team's own runners that onward.yaml describes, if the tree has their directories.
func addOwnRunners(c *config.Config, t adapter.Tree, found []adapter.Source) []adapter.Source {
	for i := range c.Migrations {
		m := &c.Migrations[i]
		dir := entryDir(m)
		if m.Runner == nil || len(adapter.FilesBelow(t, dir)) == 0 {
			continue
		}
		found = slices.DeleteFunc(found, func(s adapter.Source) bool {
			return all.Traits(s.Framework).Plain && (s.Dir == dir || isBelow(s.Dir, dir))
		})
		found = append(found, adapter.Source{Framework: m.Framework, Dir: dir, Deep: true, Score: 3, Why: configuredWhy})
	}
	return found
}

// replaceByParents replaces the sources of a tree by one for their parent, if the other tree has one source that includes its subdirectories.
func replaceByParents(list, other []adapter.Source) []adapter.Source {
	for _, o := range other {
		oldCount := len(list)
		if o.Deep {
			list = slices.DeleteFunc(list, func(s adapter.Source) bool {
				return s.Framework == o.Framework && (!s.Deep || len(o.Locations) > len(s.Locations)) &&
					!slices.ContainsFunc(s.Dirs(), func(dir string) bool { return !o.Owns(dir) })
			})
		}
		if len(list) < oldCount {
			list = append(list, o)
		}
	}
	return list
}

// isBelow reports whether a directory is below another.
func isBelow(dir, parent string) bool {
	_, in := cutDir(parent, dir)
	return in
}

func findSource(list []adapter.Source, s adapter.Source) *adapter.Source {
	for i := range list {
		if list[i].Framework == s.Framework && list[i].Dir == s.Dir {
			return &list[i]
		}
	}
	return nil
}

// keepPlainSource returns the source of a directory of the head. If the base has plain SQL files there, it stays one of plain files: a branch whose
// files look like another tool's does not choose how the directory is read.
func keepPlainSource(s adapter.Source, heads, bases []adapter.Source) adapter.Source {
	if !all.Traits(s.Framework).Annotated || findSource(bases, s) != nil {
		return s
	}
	for _, b := range bases {
		if b.Dir == s.Dir && all.Traits(b.Framework).Plain && findSource(heads, b) == nil {
			return b
		}
	}
	return s
}

// guessPlainSource returns a source for a plain directory that was detected only in the other
// tree. Here it may hold a single file, which is not enough to tell migrations from a
// script, and still it is the same directory. It is nil if this tree has no SQL file
// there, or detects another framework in it.
func guessPlainSource(t adapter.Tree, s adapter.Source, known []adapter.Source) *adapter.Source {
	if !all.Traits(s.Framework).Plain || slices.ContainsFunc(known, func(k adapter.Source) bool { return k.Dir == s.Dir }) {
		return nil
	}
	if !all.HasPrograms(t, s) && !slices.ContainsFunc(adapter.FilesBelow(t, s.Dir), func(p string) bool { return strings.HasSuffix(p, ".sql") }) {
		return nil
	}
	return &s
}

// findMovedSource finds the source of the base that the head has in another directory: according to
// git, its files moved there and kept their names. It is nil if there is none that is
// still free.
func findMovedSource(head adapter.Source, bases []adapter.Source, isTaken func(adapter.Source) bool, changes []gitrange.Change) *adapter.Source {
	var best *adapter.Source
	most := 0
	for i := range bases {
		b := &bases[i]
		if b.Framework != head.Framework || isTaken(*b) {
			continue
		}
		if n := countMovedFiles(b.Dir, head.Dir, changes); n > most {
			best, most = b, n
		}
	}
	if best == nil {
		return findReformattedSource(head, bases, isTaken, changes)
	}
	return best
}

// countMovedFiles counts the files that moved from one directory to another according to git, and kept their names.
func countMovedFiles(from, to string, changes []gitrange.Change) (n int) {
	for _, c := range changes {
		if c.Kind != gitrange.Renamed || isCommonFileName(path.Base(c.Path)) {
			continue
		}
		oldName, inBase := cutDir(from, c.OldPath)
		newName, inHead := cutDir(to, c.Path)
		if inBase && inHead && oldName == newName {
			n++
		}
	}
	return n
}

// findMovedDir finds the directory from which the files of a configured directory came: the base's detection need not know it, and
// onward.yaml names only its present place. It is nil if the base has the configured directory.
func findMovedDir(head adapter.Source, base adapter.Tree, known []adapter.Source, changes []gitrange.Change) *adapter.Source {
	if head.Why != configuredWhy || len(adapter.FilesBelow(base, head.Dir)) > 0 {
		return nil
	}
	moved := map[string]int{}
	best := ""
	for _, c := range changes {
		name, in := cutDir(head.Dir, c.Path)
		if c.Kind != gitrange.Renamed || !in || isCommonFileName(path.Base(c.Path)) {
			continue
		}
		if dir, hasName := strings.CutSuffix(c.OldPath, "/"+name); hasName || c.OldPath == name {
			if c.OldPath == name {
				dir = ""
			}
			moved[dir]++
			if n := moved[dir]; n > moved[best] || n == moved[best] && dir < best {
				best = dir
			}
		}
	}
	if moved[best] == 0 || slices.ContainsFunc(known, func(s adapter.Source) bool { return s.Dir == best }) {
		return nil
	}
	from := head
	from.Dir = best
	return &from
}

// minMovedFiles is how many files must have moved, if only their names tell it.
const minMovedFiles = 2

// findReformattedSource finds the source of the base whose files all left their directory, and came to the head's directory with the same
// names: git does not see that they moved if they were formatted as well. It is nil if there is none that is still free.
func findReformattedSource(head adapter.Source, bases []adapter.Source, isTaken func(adapter.Source) bool, changes []gitrange.Change) *adapter.Source {
	came := map[string]bool{}
	for _, c := range changes {
		if name, in := cutDir(head.Dir, c.Path); in && c.Kind == gitrange.Added {
			came[name] = true
		}
	}
	for i := range bases {
		b := &bases[i]
		if b.Framework != head.Framework || isTaken(*b) || len(came) < minMovedFiles {
			continue
		}
		moved, lost := 0, 0
		for _, c := range changes {
			name, in := cutDir(b.Dir, c.Path)
			switch {
			case c.Kind != gitrange.Deleted || !in || isCommonFileName(path.Base(c.Path)):
			case came[name]:
				moved++
			default:
				lost++
			}
		}
		if moved >= minMovedFiles && lost == 0 {
			return b
		}
	}
	return nil
}

// hasMovedToListedDir reports whether, according to git, files of a base's source moved to a
// directory that the head lists and does not judge, such as one for another database. Its
// detection at the base was then a mistake.
func hasMovedToListedDir(base adapter.Source, listed []onward.Opaque, changes []gitrange.Change) bool {
	return slices.ContainsFunc(changes, func(c gitrange.Change) bool {
		from, in := cutDir(base.Dir, c.OldPath)
		return c.Kind == gitrange.Renamed && in && base.Dir != "" && !isCommonFileName(path.Base(c.Path)) && slices.ContainsFunc(listed, func(o onward.Opaque) bool {
			to, in := cutDir(o.Path, c.Path)
			return in && from == to
		})
	})
}

// isCommonFileName reports whether every directory of this kind has such a file, so that git
// confuses them.
func isCommonFileName(name string) bool {
	switch name {
	case "migration_lock.toml", "__init__.py", "metadata.toml", "_journal.json":
		return true
	}
	return strings.HasPrefix(name, ".")
}

// cutDir returns a path relative to a directory that contains it.
func cutDir(dir, file string) (string, bool) {
	if dir == "" {
		return file, true
	}
	return strings.CutPrefix(file, dir+"/")
}

// configuredRunner returns the configured settings for the runner of a directory.
func configuredRunner(c *config.Config, m *config.Migrations) history.Runner {
	r := assumedRunner(c)
	if m.LockTimeout > 0 {
		r.LockTimeout = m.LockTimeout.Milliseconds()
	}
	if m.StatementTimeout > 0 {
		r.StatementTimeout = m.StatementTimeout.Milliseconds()
	}
	return r
}
