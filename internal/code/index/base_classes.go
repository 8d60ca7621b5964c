package index

import (
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
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

// BreakingAllColumnsQuery is a query that reads all columns of a relation, and fails if a column is added
// or removed.
type BreakingAllColumnsQuery struct {
	facts.AllColumnsQuery
	Path string
	// Keeps is set if the failure is due to a cached plan of a connection, and lasts
	// until the connection is closed.
	Keeps bool
}

// FindAllColumnsQueries returns the queries on all columns of a relation that fail after a change. Their
// rows go into a fixed number of targets, or into structs without a field for the new
// column; column is "" if a column is removed. Queries of Rust's sqlx fail because of
// their cached plan.
func (b *Bound) FindAllColumnsQueries(n catalog.Name, column string) []BreakingAllColumnsQuery {
	var found, out []BreakingAllColumnsQuery
	b.eachFile(func(f *File) {
		for _, s := range f.Facts.AllColumnsQueries {
			if b.meansRelation(s.Schema, s.Name, n) {
				found = append(found, BreakingAllColumnsQuery{AllColumnsQuery: s, Path: f.Path, Keeps: path.Ext(f.Path) == ".rs"})
			}
		}
	})
	if len(found) == 0 {
		return nil
	}
	known := b.summarizeRowStructs(column)
	width := b.Width(n)
	for _, s := range found {
		fails := s.Keeps && known.rust
		if !s.Keeps {
			fails = width > 0 && s.Others > 0 && slices.Contains(s.Scans, width+s.Others-1) || !known.column && known.breaksStructScan(&s.AllColumnsQuery, column)
		}
		if fails {
			out = append(out, s)
		}
	}
	return out
}

// rowsKnown is what the code as a whole says about its rows.
type rowsKnown struct {
	sqlx, rust bool // it uses sqlx, of Go or of Rust
	column     bool // a struct has a field for the column
}

// summarizeRowStructs searches all files once.
func (b *Bound) summarizeRowStructs(column string) rowsKnown {
	var k rowsKnown
	words := markTexts(facts.Spellings(column))
	lax := false
	b.eachFile(func(f *File) {
		if f.Facts.Sqlx && path.Ext(f.Path) == ".rs" {
			k.rust = true
			return
		}
		k.sqlx, lax = k.sqlx || f.Facts.Sqlx, lax || f.Facts.Lax
		k.column = k.column || slices.ContainsFunc(f.Facts.Structs, func(s facts.Struct) bool { return fieldLine(&s, words) > 0 })
	})
	k.sqlx = k.sqlx && !lax
	return k
}

// breaksStructScan reports whether rows of a star no longer fit their structs after a column is
// added or, if column is "", removed.
func (k *rowsKnown) breaksStructScan(s *facts.AllColumnsQuery, column string) bool {
	return s.Exact || column != "" && (s.Fitting || s.Sqlx && k.sqlx)
}

// Width returns the number of a relation's columns; 0 if it is not known.
func (b *Bound) Width(n catalog.Name) int {
	if b.Schema == nil {
		return 0
	}
	r := b.Schema.Lookup(n.Schema, n.Name)
	if r == nil || r.Inferred || r.Partial {
		return 0
	}
	return len(r.Columns)
}

// Defaults reports what the models of a table insert into a column if the program gives no value: some rely on the default of
// the database, or all have a value of their own.
func (b *Bound) Defaults(n catalog.Name, column string) (byServer, byModel bool) {
	models, unknown := 0, 0
	b.eachModelOrCall(n, func(path string, m *facts.Model) {
		if m.Row || m.Put || m.Guessed {
			return
		}
		d, found := b.defaultOf(path, m, column, 0)
		if !found {
			return
		}
		models++
		switch d {
		case facts.DefaultByServer:
			byServer = true
		case facts.DefaultByModel:
		default:
			unknown++
		}
	}, func(string, *facts.Call) { unknown++ })
	return byServer, models > 0 && unknown == 0 && !byServer
}

// defaultOf returns what a model, or a class that it extends, says of a column.
func (b *Bound) defaultOf(path string, m *facts.Model, column string, up int) (d facts.Default, found bool) {
	for _, f := range m.Fields {
		if f.Column == column || f.Column == "" && slices.Contains(facts.Spellings(column), f.Field) {
			return f.Default, !f.Left
		}
	}
	for _, base := range m.Bases {
		if up == maxBases || found {
			break
		}
		b.eachBase(path, base.Name, func(f *File, baseModel *facts.Model, _ *facts.Struct) bool {
			if baseModel != nil {
				d, found = b.defaultOf(f.Path, baseModel, strings.TrimPrefix(column, base.Prefix), up+1)
			}
			return !found
		})
	}
	return d, found
}
