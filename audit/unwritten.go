package audit

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/usage"
)

// unwritten lists the columns that the code of the head writes no more: an INSERT, or
// a mapper's model, of a file that changed leaves out what its like at the base in the
// same file has. One that stays must do without a value.
//
// skip leaves out what is no code of the program. mapped: a framework's own models,
// which are compared by themselves, tell of all.
func unwritten(rng *gitrange.Range, skip func(string) bool, mapped bool) []history.Change {
	now := map[string]string{} // path at the base → at the head
	for _, x := range rng.Changes {
		if was := cmp.Or(x.OldPath, x.Path); (x.Kind == gitrange.Modified || x.Kind == gitrange.Renamed) && !skip(was) && !skip(x.Path) {
			now[was] = x.Path
		}
	}
	var paths []string
	for _, f := range rng.Base.Files() {
		if now[f.Path] != "" && mayBeCode(f) {
			paths = append(paths, f.Path)
		}
	}
	var out []history.Change
	for some := range slices.Chunk(paths, 256) {
		texts, _ := rng.Base.ReadAll(some) // what cannot be read says nothing
		for _, was := range some {
			before := writing(was, texts[was])
			if before == nil {
				continue
			}
			path := now[was]
			text, _ := rng.Head.Read(path)
			if after := writing(path, text); after != nil {
				out = append(out, inserts(path, before, after)...)
				if !mapped {
					out = append(out, models(path, before, after)...)
				}
			}
		}
	}
	return out
}

// writes are what code has in it that writes rows: in SQL, or by a model that says its
// table. A release may change thousands of files.
var writes = [][]byte{
	[]byte("INSERT INTO"), []byte("insert into"), []byte("Insert Into"), []byte("@Entity"), []byte("@Table"), []byte("[Table("), []byte("__tablename__"), []byte("TableName()"),
	[]byte("table_name"), []byte(`bun:"table:`), []byte("tableName"),
}

// writing is what a file of code says of a database; nil for one that says nothing of
// rows that it writes.
func writing(path string, text []byte) *usage.Facts {
	if !slices.ContainsFunc(writes, func(sign []byte) bool { return bytes.Contains(text, sign) }) || !gitrange.Code(path, text) {
		return nil
	}
	if f := usage.Read(path, text); len(f.Queries)+len(f.Models) > 0 {
		return f
	}
	return nil
}

// insert is a list of columns that an INSERT names.
type insert struct {
	columns []string
	line    int
}

// insertsOf are the INSERTs of a file, by their tables.
func insertsOf(f *usage.Facts) map[string][]insert {
	out := map[string][]insert{}
	for i := range f.Queries {
		q := &f.Queries[i]
		for _, w := range q.Writes {
			if w.How != usage.Inserts || !w.Listed || q.Open || w.Relation < 0 {
				continue
			}
			x := insert{line: w.Line}
			for _, c := range w.Columns {
				x.columns = append(x.columns, c.Column)
			}
			r := q.Relations[w.Relation]
			name := strings.TrimPrefix(r.Schema+"."+r.Name, ".")
			out[name] = append(out[name], x)
		}
	}
	return out
}

// inserts lists the columns that every INSERT of a file named, and one does not now.
func inserts(path string, before, after *usage.Facts) []history.Change {
	var out []history.Change
	had := insertsOf(before)
	for table, now := range insertsOf(after) {
		for _, column := range common(had[table]) {
			for _, x := range now {
				if !slices.Contains(x.columns, column) {
					out = append(out, history.Change{Kind: history.Unwritten, Other: table + "." + column, Path: path, Line: x.line})
					break
				}
			}
		}
	}
	slices.SortFunc(out, byPlace)
	return out
}

// common are the columns that all of some INSERTs name.
func common(list []insert) []string {
	var out []string
	for i, x := range list {
		if i == 0 {
			out = slices.Clone(x.columns)
			continue
		}
		out = slices.DeleteFunc(out, func(c string) bool { return !slices.Contains(x.columns, c) })
	}
	return out
}

// models lists the columns that a mapper's model of a file had, and has no more. Only
// those that say their table, and themselves what they have.
func models(path string, before, after *usage.Facts) []history.Change {
	var out []history.Change
	for i := range after.Models {
		now := &after.Models[i]
		j := slices.IndexFunc(before.Models, func(m usage.Model) bool {
			return m.Table == now.Table && m.Class == now.Class && m.Schema == now.Schema
		})
		if j < 0 || now.Table == "" || own(now) || own(&before.Models[j]) {
			continue
		}
		for _, f := range before.Models[j].Fields {
			if f.Column == "" || f.Left || slices.ContainsFunc(now.Fields, func(g usage.Field) bool { return g.Column == f.Column || g.Field == f.Field }) {
				continue
			}
			out = append(out, history.Change{Kind: history.Unmapped, Other: strings.TrimPrefix(now.Schema+"."+now.Table, ".") + "." + f.Column, Detail: now.Class, Path: path, Line: now.Line})
		}
	}
	return out
}

// own reports whether a model's columns are not all in its own text, or are none that
// a mapper writes.
func own(m *usage.Model) bool {
	return m.Row || m.Put || m.Base || m.All || len(m.Bases) > 0 || len(m.Fields) == 0
}

func byPlace(a, b history.Change) int {
	return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Other, b.Other))
}
