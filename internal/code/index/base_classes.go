package index

import (
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
)

// addStructs indexes the structs of a file that are not declared to a mapper.
func (x *Index) addStructs(file int32, f *facts.Facts) {
	for i := range f.Structs {
		s := &f.Structs[i]
		if s.Class == "" || slices.ContainsFunc(f.Models, func(m facts.Model) bool { return m.Class == s.Class }) {
			continue
		}
		x.structs[s.Class] = append(x.structs[s.Class], factPlace{file, int32(i), 0})
		if len(s.Bases) > 0 {
			x.embedding[facts.NormalizeName(s.Class)] = append(x.embedding[facts.NormalizeName(s.Class)], factPlace{file, int32(i), 0})
		}
	}
}

// maxBases is how many levels up the base classes of a model are followed.
const maxBases = 4

// locateColumn returns where a model, or a class that it extends, declares a column.
func (b *Bound) locateColumn(path string, m *facts.Model, column string, up int) (declPath string, line int, found bool) {
	if line, found = m.ColumnLine(column); found || m.IgnoresColumn(column) {
		return path, line, found
	}
	return b.locateBaseColumn(path, m.Bases, column, up)
}

// locateBaseColumn returns where a base class declares a column. file is the file with the
// derived class.
func (b *Bound) locateBaseColumn(file string, bases []facts.Base, column string, up int) (declPath string, line int, found bool) {
	if up == maxBases {
		return "", 0, false
	}
	for _, base := range bases {
		rest, ok := strings.CutPrefix(column, base.Prefix)
		if !ok || rest == "" {
			continue
		}
		b.eachBase(file, base.Name, func(f *File, m *facts.Model, s *facts.Struct) bool {
			switch {
			case m != nil:
				declPath, line, found = b.locateColumn(f.Path, m, rest, up+1)
			default:
				if declPath, line = f.Path, fieldLine(s, markTexts(facts.Spellings(rest))); line > 0 {
					found = true
				} else {
					declPath, line, found = b.locateBaseColumn(f.Path, s.Bases, rest, up+1)
				}
			}
			return !found
		})
		if found {
			return declPath, line, true
		}
	}
	return "", 0, false
}

// eachBase calls f for the models, or else the structs, that the name of a base class in a
// file may mean, until f returns false.
func (b *Bound) eachBase(file, name string, f func(*File, *facts.Model, *facts.Struct) bool) {
	in, class := "", name
	if n := strings.LastIndexByte(name, '.'); n >= 0 {
		in, class = name[:n], name[n+1:]
	}
	language := lexer.LanguageOf(file)
	isCandidate := func(otherPath string) bool {
		switch {
		case lexer.LanguageOf(otherPath) != language:
			return false
		case language != lexer.Go:
			return true
		case in == "":
			return path.Dir(otherPath) == path.Dir(file)
		}
		return path.Base(path.Dir(otherPath)) == in
	}
	for _, a := range b.bases[class] {
		if baseFile := &b.files[a.file]; !b.isSkipped(a.file) && isCandidate(baseFile.Path) && !f(baseFile, &baseFile.Facts.Models[a.item], nil) {
			return
		}
	}
	for _, a := range b.structs[class] {
		if baseFile := &b.files[a.file]; !b.isSkipped(a.file) && isCandidate(baseFile.Path) && !f(baseFile, nil, &baseFile.Facts.Structs[a.item]) {
			return
		}
	}
}

// eachEmbedded calls f for the structs of a class that are models only because they embed one:
// nothing else in their file declares them to a mapper.
func (b *Bound) eachEmbedded(class string, f func(string, *facts.Model)) {
	for _, a := range b.embedding[class] {
		structFile := &b.files[a.file]
		if s := &structFile.Facts.Structs[a.item]; !b.isSkipped(a.file) && b.extendsModel(structFile.Path, s, 0) {
			f(structFile.Path, &facts.Model{Class: s.Class, Line: s.Line, Bases: []facts.Base{{Name: s.Class}}})
		}
	}
}

// extendsModel reports whether a struct embeds a model that has no table of its own.
func (b *Bound) extendsModel(file string, s *facts.Struct, up int) bool {
	found := false
	for _, base := range s.Bases {
		b.eachBase(file, base.Name, func(baseFile *File, m *facts.Model, s *facts.Struct) bool {
			found = m != nil && m.Table == "" || s != nil && up < maxBases && b.extendsModel(baseFile.Path, s, up+1)
			return !found
		})
		if found {
			return true
		}
	}
	return false
}

// fieldLine returns the line in which a struct has a field or tag for a column, by the marks of
// its spellings; 0 for none.
func fieldLine(s *facts.Struct, words []uint32) int {
	for _, f := range s.Fields {
		if slices.Contains(words, f.Mark) {
			return f.Line
		}
	}
	return 0
}

// markTexts returns the marks of some texts.
func markTexts(texts []string) []uint32 {
	out := make([]uint32, len(texts))
	for i, t := range texts {
		out[i] = facts.HashText(t)
	}
	return out
}
