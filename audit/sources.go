package audit

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/onward"
)

// sources are the configured ones, else the detected ones.
func (a *changelog) sources(t adapter.Tree, adapters []adapter.Adapter) ([]adapter.Source, []onward.Opaque, error) {
	if len(a.Settings.Migrations) > 0 {
		return configured(a.Settings, t, adapters), nil, nil
	}
	found, skipped := adapter.Detect(t, adapters)
	if len(found) == 0 {
		return nil, skipped, adapter.NotFound(t, adapters, skipped)
	}
	chosen, ties := adapter.Choose(found)
	for i := range chosen {
		chosen[i].Options.Runner = assumed(a.Settings)
	}
	chosen, scripts := runners(t, chosen)
	return chosen, append(append(skipped, ties...), scripts...), nil
}

// still leaves out the sources whose migrations only the project itself can render, where
// nothing is to be run, and lists them.
func (a *changelog) still(sources []adapter.Source) []adapter.Source {
	if !a.Still {
		return sources
	}
	return slices.DeleteFunc(slices.Clone(sources), func(s adapter.Source) bool {
		traits := all.Traits(s.Framework)
		o := onward.Opaque{Path: cmp.Or(s.Dir, "."), What: cmp.Or(traits.Project, s.Framework), Why: "its migrations are rendered by its own code, and nothing was to be run"}
		if traits.Renders && !slices.Contains(a.opaque, o) {
			a.opaque = append(a.opaque, o)
		}
		return traits.Renders
	})
}

// runners leaves out directories of SQL files that only look like migrations
// where the repository has a migration tool: scripts, seeds, queries. They are
// listed, not judged. One that has a tool of its own stays, and so does one that
// is called migrations in a module in which there is no tool: another service.
func runners(t adapter.Tree, sources []adapter.Source) ([]adapter.Source, []onward.Opaque) {
	tool := slices.IndexFunc(sources, func(s adapter.Source) bool { return !all.Traits(s.Framework).Plain })
	if tool < 0 {
		return sources, nil
	}
	moduleOf := modulesOf(t)
	tools, sure := map[string]bool{}, make([]bool, len(sources))
	for i, s := range sources {
		if sure[i] = !all.Traits(s.Framework).Plain || s.Score >= 3 || all.Own(t, s); sure[i] {
			tools[moduleOf(s.Dir)] = true
		}
	}
	var kept []adapter.Source
	var out []onward.Opaque
	for i, s := range sources {
		module := moduleOf(s.Dir)
		elsewhere := module != "" && !tools[module] && strings.Contains(strings.ToLower(path.Base(s.Dir)), "migrat")
		if sure[i] || elsewhere && !ofProject(t, sources, s.Dir) {
			kept = append(kept, s)
			continue
		}
		out = append(out, onward.Opaque{
			Path: cmp.Or(s.Dir, "."), What: s.Why,
			Why: fmt.Sprintf("not taken for migrations, because %s is used in %s; if they are, name the directory in onward.yaml", sources[tool].Framework, cmp.Or(sources[tool].Dir, ".")),
		})
	}
	return kept, out
}

// ofProject reports whether a directory is part of the code of a project that renders
// its migrations: SQL in it is what the code beside it reads or has printed.
func ofProject(t adapter.Tree, sources []adapter.Source, dir string) bool {
	return slices.ContainsFunc(sources, func(s adapter.Source) bool {
		part := all.Traits(s.Framework).Package
		return part != "" && adapter.Has(t, path.Join(dir, part)) && (s.Dir == "" || strings.HasPrefix(dir, s.Dir+"/"))
	})
}

// assumed is what the configuration says of every session.
func assumed(c *config.Config) history.Runner {
	return history.Runner{
		LockTimeout: c.Assume.LockTimeout.Milliseconds(), StatementTimeout: c.Assume.StatementTimeout.Milliseconds(), TimeZone: c.Assume.TimeZone,
	}
}

// configured makes sources of the directories that onward.yaml names and the
// tree has.
func configured(c *config.Config, t adapter.Tree, adapters []adapter.Adapter) []adapter.Source {
	var out, detected []adapter.Source
	paths := t.Paths()
	for _, m := range c.Migrations {
		dir := strings.Trim(m.Dir, "/")
		if dir == "." {
			dir = ""
		}
		if dir != "" && !slices.ContainsFunc(paths, func(p string) bool { return strings.HasPrefix(p, dir+"/") }) {
			continue
		}
		if m.Framework == "" {
			if detected == nil {
				found, _ := adapter.Detect(t, adapters)
				detected, _ = adapter.Choose(found)
			}
			m.Framework = all.Plain
			if i := slices.IndexFunc(detected, func(s adapter.Source) bool { return s.Dir == dir }); i >= 0 {
				m.Framework = detected[i].Framework
			}
		}
		out = append(out, adapter.Source{
			Framework: m.Framework, Dir: dir, Score: 3, Why: configuredWhy,
			Options: adapter.Options{
				Transaction: m.Transaction,
				Runner:      runnerOf(c, &m),
				Python:      m.Python, Settings: m.Settings, Environment: m.Environment,
			},
		})
	}
	return out
}

// deepened takes the sources of a tree for the parts of one, where the other tree
// has one for all of them: it holds the directories below it.
func deepened(list, other []adapter.Source) []adapter.Source {
	for _, o := range other {
		had := len(list)
		if o.Deep {
			list = slices.DeleteFunc(list, func(s adapter.Source) bool {
				return s.Framework == o.Framework && !s.Deep && (s.Dir == o.Dir || within(s.Dir, o.Dir))
			})
		}
		if len(list) < had {
			list = append(list, o)
		}
	}
	return list
}

// within reports whether a directory is below another.
func within(dir, above string) bool {
	_, in := below(above, dir)
	return in
}

func match(list []adapter.Source, s adapter.Source) *adapter.Source {
	for i := range list {
		if list[i].Framework == s.Framework && list[i].Dir == s.Dir {
			return &list[i]
		}
	}
	return nil
}

// undetected is a plain directory that one tree is sure of, for the other one:
// there it may hold a single file, which is not enough to tell migrations from
// a script, and it is the same directory all the same. nil when that tree has
// no SQL file there, or knows the directory as another framework's.
func undetected(t adapter.Tree, s adapter.Source, known []adapter.Source) *adapter.Source {
	if !all.Traits(s.Framework).Plain || slices.ContainsFunc(known, func(k adapter.Source) bool { return k.Dir == s.Dir }) {
		return nil
	}
	if !all.Programs(t, s) && !slices.ContainsFunc(adapter.Below(t, s.Dir), func(p string) bool { return strings.HasSuffix(p, ".sql") }) {
		return nil
	}
	return &s
}

// moved finds the source of the base that is a source of the head under another
// directory: git sees its files move there under the names that they had. nil
// when there is none but those that are taken.
func moved(head adapter.Source, bases []adapter.Source, taken func(adapter.Source) bool, changes []gitrange.Change) *adapter.Source {
	var best *adapter.Source
	most := 0
	for i := range bases {
		b := &bases[i]
		if b.Framework != head.Framework || taken(*b) {
			continue
		}
		n := 0
		for _, c := range changes {
			if c.Kind != gitrange.Renamed || everywhere(path.Base(c.Path)) {
				continue
			}
			from, inBase := below(b.Dir, c.OldPath)
			to, inHead := below(head.Dir, c.Path)
			if inBase && inHead && from == to {
				n++
			}
		}
		if n > most {
			best, most = b, n
		}
	}
	return best
}

// movedAway reports whether git sees files of a source of the base move to a
// directory that the head has for another database, or for something else that is
// listed and not judged: what it was taken for at the base was a mistake.
func movedAway(base adapter.Source, listed []onward.Opaque, changes []gitrange.Change) bool {
	return slices.ContainsFunc(changes, func(c gitrange.Change) bool {
		from, in := below(base.Dir, c.OldPath)
		return c.Kind == gitrange.Renamed && in && base.Dir != "" && !everywhere(path.Base(c.Path)) && slices.ContainsFunc(listed, func(o onward.Opaque) bool {
			to, in := below(o.Path, c.Path)
			return in && from == to
		})
	})
}

// everywhere reports whether a file stands in every directory of its kind, so
// that git takes it for another's.
func everywhere(name string) bool {
	switch name {
	case "migration_lock.toml", "__init__.py", "metadata.toml", "_journal.json":
		return true
	}
	return strings.HasPrefix(name, ".")
}

// below is a path as it is named from a directory that holds it.
func below(dir, file string) (string, bool) {
	if dir == "" {
		return file, true
	}
	return strings.CutPrefix(file, dir+"/")
}
