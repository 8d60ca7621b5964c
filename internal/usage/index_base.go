package usage

import (
	"path"
	"slices"
	"strings"
)

// addStructs indexes the structs of a file of which no mapper is told.
func (x *Index) addStructs(file int32, f *Facts) {
	for i := range f.Structs {
		s := &f.Structs[i]
		if s.Class == "" || slices.ContainsFunc(f.Models, func(m Model) bool { return m.Class == s.Class }) {
			continue
		}
		x.structs[s.Class] = append(x.structs[s.Class], at{file, int32(i), 0})
		if len(s.Bases) > 0 {
			x.embedding[bare(s.Class)] = append(x.embedding[bare(s.Class)], at{file, int32(i), 0})
		}
	}
}

// maxBases is how far up the classes of a model are followed.
const maxBases = 4

// columnOf is where a model, or a class that it extends, tells of a column.
func (b *Bound) columnOf(path string, m *Model, column string, up int) (where string, line int, told bool) {
	if line, told = m.column(column); told {
		return path, line, true
	}
	return b.columnOfBases(path, m.Bases, column, up)
}

// columnOfBases is where a class that one of a file extends tells of a column.
func (b *Bound) columnOfBases(file string, bases []Base, column string, up int) (where string, line int, told bool) {
	if up == maxBases {
		return "", 0, false
	}
	for _, base := range bases {
		rest, ok := strings.CutPrefix(column, base.Prefix)
		if !ok {
			continue
		}
		b.eachBase(file, base.Name, func(f *File, m *Model, s *Struct) bool {
			switch {
			case m != nil:
				where, line, told = b.columnOf(f.Path, m, rest, up+1)
			default:
				if where, line = f.Path, s.has(marks(Spellings(rest))); line > 0 {
					told = true
				} else {
					where, line, told = b.columnOfBases(f.Path, s.Bases, rest, up+1)
				}
			}
			return !told
		})
		if told {
			return where, line, true
		}
	}
	return "", 0, false
}

// eachBase calls f for what a name of a class that one of a file extends may mean: a
// model, or else a struct, until it says no.
func (b *Bound) eachBase(file, name string, f func(*File, *Model, *Struct) bool) {
	in, class := "", name
	if n := strings.LastIndexByte(name, '.'); n >= 0 {
		in, class = name[:n], name[n+1:]
	}
	own := dialectOf(file)
	may := func(of string) bool {
		switch {
		case dialectOf(of) != own:
			return false
		case own != goLike:
			return true
		case in == "":
			return path.Dir(of) == path.Dir(file)
		}
		return path.Base(path.Dir(of)) == in
	}
	for _, a := range b.bases[class] {
		if of := &b.files[a.file]; !b.skips(a.file) && may(of.Path) && !f(of, &of.Facts.Models[a.item], nil) {
			return
		}
	}
	for _, a := range b.structs[class] {
		if of := &b.files[a.file]; !b.skips(a.file) && may(of.Path) && !f(of, nil, &of.Facts.Structs[a.item]) {
			return
		}
	}
}

// embedded calls f for the structs of a class that are models because they embed one:
// nothing else in their file tells a mapper of them.
func (b *Bound) embedded(class string, f func(string, *Model)) {
	for _, a := range b.embedding[class] {
		of := &b.files[a.file]
		if s := &of.Facts.Structs[a.item]; !b.skips(a.file) && b.extendsModel(of.Path, s, 0) {
			f(of.Path, &Model{Class: s.Class, Line: s.Line, Bases: []Base{{Name: s.Class}}})
		}
	}
}

// extendsModel reports whether a struct embeds one of which a mapper is told, which has no
// table of its own.
func (b *Bound) extendsModel(file string, s *Struct, up int) bool {
	found := false
	for _, base := range s.Bases {
		b.eachBase(file, base.Name, func(of *File, m *Model, s *Struct) bool {
			found = m != nil && m.Table == "" || s != nil && up < maxBases && b.extendsModel(of.Path, s, up+1)
			return !found
		})
		if found {
			return true
		}
	}
	return false
}

// has is the line in which a struct has something for a column, by the marks of its
// spellings; 0 for none.
func (s *Struct) has(words []uint32) int {
	for _, f := range s.Fields {
		if slices.Contains(words, f.Mark) {
			return f.Line
		}
	}
	return 0
}

// marks are those of some texts.
func marks(texts []string) []uint32 {
	out := make([]uint32, len(texts))
	for i, t := range texts {
		out[i] = Mark(t)
	}
	return out
}
