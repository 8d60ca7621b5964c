package index

import (
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
)

// constantsOf maps names to the constants of all files.
func constantsOf(files []File) map[string][]constantAt {
	out := map[string][]constantAt{}
	for _, f := range files {
		if f.Facts == nil {
			continue
		}
		for _, c := range f.Facts.Constants {
			out[c.Name] = append(out[c.Name], constantAt{f.Path, c.Text, c.Alias})
		}
	}
	return out
}

// constantAt is a constant's text or alias, and its file.
type constantAt struct{ file, text, alias string }

// tableOf returns the table of a call, which has its name, a constant or a class; "" if none is known.
func (x *Index) tableOf(file string, c *facts.Call) string {
	switch {
	case c.Class != "":
		return x.phpTables[c.Class]
	case c.Constant == "":
		return c.Table
	}
	return x.constantText(file, c.Constant)
}

// resolveConstants returns the facts of a file with the texts of constants that other files declare. It leaves the given facts
// unchanged, since others may keep them.
func (x *Index) resolveConstants(file string, f *facts.Facts) *facts.Facts {
	hasConstant := func(g facts.Field) bool { return g.Constant != "" }
	if !slices.ContainsFunc(f.Models, func(m facts.Model) bool { return m.Constant != "" || slices.ContainsFunc(m.Fields, hasConstant) }) {
		return f
	}
	out := *f
	out.Models = slices.Clone(f.Models)
	for i := range out.Models {
		m := &out.Models[i]
		if text := x.constantText(file, m.Constant); text != "" {
			m.Table, m.Constant = text, ""
			if schema, table, ok := strings.Cut(m.Table, "."); ok && m.Schema == "" {
				m.Schema, m.Table = schema, table
			}
		}
		m.Fields = slices.Clone(m.Fields)
		for k := range m.Fields {
			m.Fields[k].Column += x.constantText(file, m.Fields[k].Constant)
		}
	}
	return &out
}

// maxAliases bounds how many constants are followed that get their text from another one.
const maxAliases = 4

// constantText returns the text of a constant that a file names: of the class, the package or the directory that the name
// says, else one that has the same text everywhere. "" if none is known.
func (x *Index) constantText(file, name string) string {
	for range maxAliases {
		if name == "" {
			return ""
		}
		qualifier := ""
		if n := strings.LastIndexByte(name, '.'); n >= 0 {
			qualifier, name = name[:n], name[n+1:]
			qualifier = qualifier[strings.LastIndexByte(qualifier, '.')+1:]
		}
		best, found, sure := 0, constantAt{}, true
		for _, k := range x.texts[name] {
			switch rank := k.rankMatch(file, qualifier); {
			case rank > best:
				best, found, sure = rank, k, true
			case rank == best && (k.text != found.text || k.alias != found.alias):
				sure = false // it is not known which one is meant
			}
		}
		switch {
		case !sure:
			return ""
		case found.text != "":
			return found.text
		}
		file, name = found.file, found.alias
	}
	return ""
}

// rankMatch says how well a constant fits a name in a file that has a qualifier or "".
func (k *constantAt) rankMatch(file, qualifier string) int {
	dir, base := path.Dir(k.file), path.Base(k.file)
	switch {
	case qualifier == "" && k.file == file:
		return 5
	case qualifier == "" && dir == path.Dir(file):
		return 3
	case qualifier != "" && strings.TrimSuffix(base, path.Ext(base)) == qualifier:
		return 4
	case qualifier != "" && path.Base(dir) == qualifier:
		return 2
	}
	return 1
}
