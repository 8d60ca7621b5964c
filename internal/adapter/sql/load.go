package sql

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// Load reads the up migrations of a directory as its runner does, else in the natural order
// of their names; a numbered directory in it with an up.sql or a migration.sql is one
// of them.
func (Adapter) Load(ctx context.Context, t adapter.Tree, s adapter.Source) (*adapter.Set, error) {
	set := &adapter.Set{Source: s}
	p := placeOf(t, s)
	mixed := (p.numbered > 0 || len(p.ups) == 0) && len(programs(t, s.Dir)) > 0
	if mixed {
		p.ups = slices.DeleteFunc(p.ups, func(n string) bool { return ofProgram(t, p.Dir, n) })
	}
	by := tell(p)
	from := p.by // what is asked later is no sign of it
	if by.list != nil {
		by.list(p, set)
	}
	adapter.Each(len(p.files), func(i int) { p.files[i].FillNames() })
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p.findDowns()
	session := by.session != nil && by.session(p)
	set.Migrations = make([]*adapter.Migration, len(p.files))
	adapter.Each(len(p.files), func(i int) {
		m := by.migration(p, i, s)
		m.Runner.OwnSession = session
		set.Migrations[i] = m
	})
	if mixed {
		addPrograms(t, p.Dir, s, set, p.ups)
	}
	p.aside(set)
	set.Told = by.told(from, set)
	by.numbered(set)
	set.Habits, set.Count = by.habits, by.count
	if by.finish != nil {
		by.finish(t, set)
	}
	for _, r := range tools {
		if r != by && r.left != nil {
			r.left(t, set)
		}
	}
	return set, nil
}

// migration makes one of the i-th file.
func (r *runner) migration(p *place, i int, s adapter.Source) *adapter.Migration {
	up := p.ups[i]
	id := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(up, ".sql"), ".up"), ".tx")
	dir, name := path.Split(up)
	if dir != "" && wholeFile.MatchString(name) {
		id = strings.TrimSuffix(dir, "/")
	}
	if r.id != nil {
		id = r.id(id)
	}
	m := p.files[i].Start(s, id, version(up))
	m.Repeatable = repeatable(up)
	if down := p.downs[up]; down != "" {
		m.DownPath = p.Join(down)
	}
	if m.Failed == "" {
		r.load(p, m, p.files[i], name, s.Options)
	}
	return m
}

// told is how the runner of a directory is known: by a file that was found, by its name for
// the files, or by the marks of single ones.
func (r *runner) told(by string, set *adapter.Set) adapter.Told {
	told := adapter.Told{Tool: r.name, By: by, Transaction: r.mode, Assumed: r.assumed && set.Source.Options.Transaction == ""}
	if n := len(set.Migrations); n > 0 {
		last := set.Migrations[n-1]
		if told.Assumed && !last.Runner.Guessed {
			told.By, told.Assumed = last.Path, false
		}
		told.Tool = last.Runner.Name
		if told.By == "" && !r.assumed {
			told.By = "files named like " + path.Base(last.Path)
		}
		if r.mode == "" {
			told.Transaction = last.Source.Mode
		}
	}
	told.Transaction = cmp.Or(set.Source.Options.Transaction, told.Transaction, onward.TransactionNone)
	return told
}

// aside lists the files that stand among the migrations and are none.
func (p *place) aside(set *adapter.Set) {
	if p.numbered > 0 {
		for _, n := range names(p.tree, set.Source, p.Dir) {
			if _, _, undo := undoes(path.Base(n)); !undo && !isVersioned(path.Base(n)) {
				set.Opaque = append(set.Opaque, onward.Opaque{
					Path: p.Join(n), What: "SQL file without a number among numbered ones",
					Why: "it was not taken for a migration",
				})
			}
		}
	}
	for _, n := range adapter.ListDir(p.tree, p.Path, ".SQL", ".Sql").Names {
		set.Opaque = append(set.Opaque, onward.Opaque{
			Path: p.Join(n), What: "SQL file whose name does not end in .sql",
			Why: "the case of letters counts, here and for most runners: it was not taken for a migration",
		})
	}
}

// members are the files of a source's directory as forward sorts them, with those
// of the numbered directories in it, or of all.
func members(t adapter.Tree, s adapter.Source, d adapter.Dir) (ups []string, downs map[string]string, numbered int) {
	if s.Deep {
		return deep(t, d.Path)
	}
	ups, downs, numbered = forward(d)
	if inner := innerFiles(t, d.Path); len(inner) > 0 {
		if numbered == 0 {
			ups = nil
		}
		ups = append(ups, inner...)
		numbered += len(inner)
		slices.SortFunc(ups, order)
	}
	return ups, downs, numbered
}

// names are the files of a source, whether they are migrations or not.
func names(t adapter.Tree, s adapter.Source, d adapter.Dir) []string {
	if !s.Deep {
		return d.Names
	}
	return slices.DeleteFunc(slices.Clone(adapter.Below(t, d.Path)), func(n string) bool { return !strings.HasSuffix(n, ".sql") })
}

// innerFiles lists the migrations of a directory that has a directory for each.
func innerFiles(t adapter.Tree, dir string) []string {
	var out []string
	for _, rest := range adapter.Below(t, dir) {
		if d, name, found := strings.Cut(rest, "/"); found && versionedDir.MatchString(d) && wholeFile.MatchString(name) {
			out = append(out, rest)
		}
	}
	return out
}
