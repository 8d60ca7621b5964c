package deployed

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/internal/code/read"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// FindUnwrittenColumns lists the columns that the code of the head no longer writes: an INSERT, or a
// mapper's model, of a changed file omits a column that its counterpart in the same file
// at the base has. Such a column must accept rows without a value.
//
// skip excludes files that are no code of the program. mapped is set if the framework's
// own models cover all columns; they are compared separately. deployed returns the code at the base.
func FindUnwrittenColumns(rng *gitrange.Range, skip func(string) bool, mapped bool, deployed func() *Files) []history.Change {
	now := map[string]string{} // path at the base → at the head
	for _, x := range rng.Changes {
		if oldPath := cmp.Or(x.OldPath, x.Path); (x.Kind == gitrange.Modified || x.Kind == gitrange.Renamed) && !skip(oldPath) && !skip(x.Path) {
			now[oldPath] = x.Path
		}
	}
	var paths []string
	for _, f := range rng.Base.Files() {
		if now[f.Path] != "" && mayBeCode(f) {
			paths = append(paths, f.Path)
		}
	}
	var facts map[string]*facts.Facts
	if len(paths) > fewFiles {
		facts = deployed().listWriters()
		paths = slices.DeleteFunc(paths, func(p string) bool { return facts[p] == nil })
	}
	var out []history.Change
	for some := range slices.Chunk(paths, 256) {
		texts, _ := rng.Base.ReadAll(some) // files that cannot be read are skipped
		for _, oldPath := range some {
			if path := now[oldPath]; isWriter(oldPath, texts[oldPath]) {
				text, _ := rng.Head.Read(path)
				if !mapped && containsAny(texts[oldPath], modelSigns) || !hasSameInserts(texts[oldPath], text) {
					before := facts[oldPath]
					if before == nil {
						before = readWriter(oldPath, texts[oldPath])
					}
					out = append(out, compareWriters(path, mapped, before, readWriter(path, text))...)
				}
			}
		}
	}
	return out
}

// fewFiles is how many changed files are read only to see whether they write rows. The facts of all code, which rules about
// the deployed code need, say it for more of them.
const fewFiles = 100

// listWriters returns the facts of the files with an INSERT that lists its columns, and of those with a model.
func (c *Files) listWriters() map[string]*facts.Facts {
	out := map[string]*facts.Facts{}
	for _, f := range c.files {
		if f.Facts != nil && !f.Observed && (len(f.Facts.Models) > 0 || len(insertsOf(f.Facts)) > 0) {
			out[f.Path] = f.Facts
		}
	}
	return out
}

// compareWriters lists the columns that one file no longer writes. path is its name at the head.
func compareWriters(path string, mapped bool, before, after *facts.Facts) []history.Change {
	if before == nil || after == nil {
		return nil
	}
	out := findOmittedInInserts(path, before, after)
	if !mapped {
		out = append(out, findOmittedInModels(path, before, after)...)
	}
	return out
}

// insertSigns and modelSigns are texts in code that writes rows: in SQL, or by a model with the name of its
// table. They exclude most files, because a release may change thousands.
var (
	insertSigns = [][]byte{[]byte("INSERT INTO"), []byte("insert into"), []byte("Insert Into")}
	modelSigns  = [][]byte{
		[]byte("@Entity"), []byte("@Table"), []byte("[Table("), []byte("__tablename__"), []byte("TableName()"),
		[]byte("table_name"), []byte(`bun:"table:`), []byte("tableName"),
	}
)

func containsAny(text []byte, signs [][]byte) bool {
	return slices.ContainsFunc(signs, func(sign []byte) bool { return bytes.Contains(text, sign) })
}

// isWriter reports whether a file may be code that writes rows.
func isWriter(path string, text []byte) bool {
	return (containsAny(text, insertSigns) || containsAny(text, modelSigns)) && gitrange.IsCode(path, text)
}

// plainInsert is an INSERT whose table and columns are all in its own text: it puts in no constant or value from
// elsewhere. insertStart is the start of any other one.
var (
	insertStart = lazyregexp.New(`(?i)^insert\s+into\b`)
	plainInsert = lazyregexp.New(`(?i)^insert\s+into\s+[\w."]+\s*(?:\s+as\s+\w+\s*)?\([\w\s,"']*\)`)
)

// longestInsert limits what is read of one INSERT, in bytes.
const longestInsert = 4 << 10

// hasSameInserts reports whether two versions of a file have the same INSERTs, up to the end of their lists of columns.
// Most changed files do, and need not be parsed.
func hasSameInserts(before, after []byte) bool {
	oldInserts, plain := listInserts(before)
	now, plainToo := listInserts(after)
	return plain && plainToo && slices.Equal(oldInserts, now)
}

// listInserts returns the INSERTs of a text in order, each up to the end of its columns. plain is false if another one's
// columns are not all there.
func listInserts(text []byte) (list []string, plain bool) {
	lower := bytes.Clone(text)
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] = c + 'a' - 'A' // not bytes.ToLower, which may change the length
		}
	}
	for offset := 0; ; {
		n := bytes.Index(lower[offset:], []byte("insert"))
		if n < 0 {
			slices.Sort(list)
			return list, true
		}
		offset += n
		part := text[offset:min(len(text), offset+longestInsert)]
		offset += len("insert")
		if insert := plainInsert.Find(part); insert != nil {
			list = append(list, string(insert))
		} else if insertStart.Match(part) {
			return nil, false
		}
	}
}

// readWriter returns the facts of a file of code; nil if it writes no rows.
func readWriter(path string, text []byte) *facts.Facts {
	if !isWriter(path, text) {
		return nil
	}
	if f := read.Read(path, text); len(f.Queries)+len(f.Models) > 0 {
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
func insertsOf(f *facts.Facts) map[string][]insert {
	out := map[string][]insert{}
	for i := range f.Queries {
		q := &f.Queries[i]
		for _, w := range q.Writes {
			if w.How != facts.Inserts || !w.Listed || q.Open || w.Relation < 0 {
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
func findOmittedInInserts(path string, before, after *facts.Facts) []history.Change {
	var out []history.Change
	oldInserts := insertsOf(before)
	for table, now := range insertsOf(after) {
		for _, column := range commonColumns(oldInserts[table]) {
			for _, x := range now {
				if !slices.Contains(x.columns, column) {
					out = append(out, history.Change{Kind: history.Unwritten, Other: table + "." + column, Path: path, Line: x.line})
					break
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b history.Change) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Other, b.Other))
	})
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
func findOmittedInModels(path string, before, after *facts.Facts) []history.Change {
	var out []history.Change
	for i := range after.Models {
		now := &after.Models[i]
		j := slices.IndexFunc(before.Models, func(m facts.Model) bool {
			return m.Table == now.Table && m.Class == now.Class && m.Schema == now.Schema
		})
		if j < 0 || now.Table == "" || isIncompleteOrUnmapped(now) || isIncompleteOrUnmapped(&before.Models[j]) {
			continue
		}
		for _, f := range before.Models[j].Fields {
			if f.Column == "" || f.Left || slices.ContainsFunc(now.Fields, func(g facts.Field) bool { return g.Column == f.Column || g.Field == f.Field }) {
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

// isIncompleteOrUnmapped reports whether a model's columns are not all in its own text, or are not written
// by a mapper.
func isIncompleteOrUnmapped(m *facts.Model) bool {
	return m.Row || m.Put || m.Base || m.All || len(m.Bases) > 0 || len(m.Fields) == 0
}

// findNullFailures answers which fields of the deployed code fail to read NULL from a column, and where the code at the head
// may write NULL: if one of its fields takes NULL. A field of the deployed code that takes NULL is no reason for the
// head to write it.
func (u *Code) findNullFailures(q question) analysis.Usage {
	name := catalog.Name{Schema: q.Name.Schema, Name: q.Name.Name}
	deployed := u.indexFor(q).Nulls(name, q.Column)
	out := analysis.Usage{Known: true, FailsAtNull: u.nullFieldEvidence(deployed, facts.NullFails)}
	if len(out.FailsAtNull) == 0 || u.Head == nil {
		return out
	}
	head := u.Head()
	head.Schemas = u.Schemas
	out.WritesNull = head.nullFieldEvidence(head.indexFor(q).Nulls(name, q.Column), facts.NullTaken)
	return out
}

// nullFieldEvidence returns the places of the fields that take NULL, or that fail at it, as null says.
func (u *Code) nullFieldEvidence(fields []index.NullField, null facts.Null) []onward.Evidence {
	var uses []index.Use
	for _, f := range fields {
		if f.Null == null {
			uses = append(uses, index.Use{Path: f.Path, Line: f.Line})
		}
	}
	return u.makeEvidence(uses, maxEvidence)
}
