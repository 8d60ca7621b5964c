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

// findUnwrittenColumns lists the columns that the code of the head no longer writes: an INSERT, or a
// mapper's model, of a changed file omits a column that its counterpart in the same file
// at the base has. Such a column must accept rows without a value.
//
// skip excludes files that are no code of the program. mapped is set if the framework's
// own models cover all columns; they are compared separately.
func findUnwrittenColumns(rng *gitrange.Range, skip func(string) bool, mapped bool) []history.Change {
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
		texts, _ := rng.Base.ReadAll(some) // files that cannot be read are skipped
		for _, was := range some {
			before := readWriter(was, texts[was])
			if before == nil {
				continue
			}
			path := now[was]
			text, _ := rng.Head.Read(path)
			if after := readWriter(path, text); after != nil {
				out = append(out, findOmittedInInserts(path, before, after)...)
				if !mapped {
					out = append(out, findOmittedInModels(path, before, after)...)
				}
			}
		}
	}
	return out
}

// writes are texts in code that writes rows: in SQL, or by a model with the name of its
// table. They exclude most files, because a release may change thousands.
var writes = [][]byte{
	[]byte("INSERT INTO"), []byte("insert into"), []byte("Insert Into"), []byte("@Entity"), []byte("@Table"), []byte("[Table("), []byte("__tablename__"), []byte("TableName()"),
	[]byte("table_name"), []byte(`bun:"table:`), []byte("tableName"),
}

// readWriter returns the facts of a file of code; nil if it writes no rows.
func readWriter(path string, text []byte) *usage.Facts {
	if !slices.ContainsFunc(writes, func(sign []byte) bool { return bytes.Contains(text, sign) }) || !gitrange.IsCode(path, text) {
		return nil
	}
	if f := usage.Read(path, text); len(f.Queries)+len(f.Models) > 0 {
		return f
	}
	return nil
}

// insert is the column list of an INSERT.
type insert struct {
	columns []string
	line    int
}

// insertsOf returns the INSERTs of a file, by their tables.
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

// findOmittedInInserts lists the columns that every INSERT of a file named before, and one omits now.
func findOmittedInInserts(path string, before, after *usage.Facts) []history.Change {
	var out []history.Change
	had := insertsOf(before)
	for table, now := range insertsOf(after) {
		for _, column := range commonColumns(had[table]) {
			for _, x := range now {
				if !slices.Contains(x.columns, column) {
					out = append(out, history.Change{Kind: history.Unwritten, Other: table + "." + column, Path: path, Line: x.line})
					break
				}
			}
		}
	}
	slices.SortFunc(out, compareByPlace)
	return out
}

// commonColumns returns the columns that all of some INSERTs name.
func commonColumns(list []insert) []string {
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

// findOmittedInModels lists the columns that a mapper's model of a file had, and no longer has. Only
// models count that name their table and declare all their columns.
func findOmittedInModels(path string, before, after *usage.Facts) []history.Change {
	var out []history.Change
	for i := range after.Models {
		now := &after.Models[i]
		j := slices.IndexFunc(before.Models, func(m usage.Model) bool {
			return m.Table == now.Table && m.Class == now.Class && m.Schema == now.Schema
		})
		if j < 0 || now.Table == "" || isPartial(now) || isPartial(&before.Models[j]) {
			continue
		}
		for _, f := range before.Models[j].Fields {
			if f.Column == "" || f.Left || slices.ContainsFunc(now.Fields, func(g usage.Field) bool { return g.Column == f.Column || g.Field == f.Field }) {
				continue
			}
			out = append(out, history.Change{
				Kind:   history.Unmapped,
				Other:  strings.TrimPrefix(now.Schema+"."+now.Table, ".") + "." + f.Column,
				Detail: now.Class,
				Path:   path,
				Line:   now.Line,
			})
		}
	}
	return out
}

// isPartial reports whether a model's columns are not all in its own text, or are not written
// by a mapper.
func isPartial(m *usage.Model) bool {
	return m.Row || m.Put || m.Base || m.All || len(m.Bases) > 0 || len(m.Fields) == 0
}

func compareByPlace(a, b history.Change) int {
	return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Other, b.Other))
}
