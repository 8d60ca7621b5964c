package sql

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
)

// place is a directory with its up migrations, as the runners are asked about it.
type place struct {
	tree adapter.Tree
	adapter.Dir
	// ups are the up migrations in order, downs their down migrations, by them; numbered is how
	// many have a version.
	ups      []string
	downs    map[string]string
	numbered int
	// files are what was read of them.
	files []*adapter.File
	// marked tells the tool whose marks a text has; nil for none.
	marked func(text string) *runner
	// by is the file that was found last of those that tell a tool.
	by string
}

func placeOf(t adapter.Tree, s adapter.Source) *place {
	p := &place{tree: t, Dir: adapter.ListDir(t, s.Dir, ".sql"), marked: func(text string) *runner { return markedBy(hintedLines(text)) }}
	p.ups, p.downs, p.numbered = members(t, s, p.Dir)
	return p
}

// read reads some of the up migrations, or all.
func (p *place) read(names []string) {
	p.files = adapter.ReadFiles(p.tree, p.Dir, names)
}

// drop leaves out up migrations.
func (p *place) drop(out func(name string, f *adapter.File) bool) {
	names, files := p.ups[:0:0], p.files[:0:0]
	for i, f := range p.files {
		if !out(p.ups[i], f) {
			names, files = append(names, p.ups[i]), append(files, f)
		}
	}
	p.ups, p.files = names, files
}

// sort gives the up migrations another order.
func (p *place) sort(by func(names []string)) {
	sorted := slices.Clone(p.ups)
	if by(sorted); slices.Equal(sorted, p.ups) {
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

// asTexts sorts names as texts: 10 before 2.
func asTexts(p *place, _ *adapter.Set) { p.sort(slices.Sort) }

// half reports whether half of the files that were read, or more, are of a kind.
func (p *place) half(kind func(text string) bool) bool {
	n, first := 0, ""
	for _, f := range p.files {
		if kind(f.Text) {
			n++
			first = cmp.Or(first, f.Path)
		}
	}
	return n > 0 && 2*n >= len(p.files) && p.told(first)
}

// told notes what tells the tool.
func (p *place) told(by string) bool {
	p.by = by
	return true
}

// needs reports whether the closest file of a name, in the directory or above it,
// has a word in it.
func (p *place) needs(name, word string) bool {
	at, ok := adapter.Nearest(p.tree, p.Path, name)
	return ok && strings.Contains(adapter.ReadFile(p.tree, at).Text, word) && p.told(at)
}

// has reports whether a file stands in the directory.
func (p *place) has(name string) bool {
	return adapter.Has(p.tree, p.Join(name)) && p.told(p.Join(name))
}

// above reports whether a file of a name stands in the directory or above it.
func (p *place) above(name string) bool {
	at, ok := adapter.Nearest(p.tree, p.Path, name)
	return ok && p.told(at)
}

// findDowns adds the down migrations that stand beside an up.sql.
func (p *place) findDowns() {
	for _, up := range p.ups {
		if dir, file := path.Split(up); dir != "" && file == "up.sql" && p.has(dir+"down.sql") {
			p.downs[up] = dir + "down.sql"
		}
	}
}
