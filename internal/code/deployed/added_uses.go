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
	"github.com/onward-sql/onward/internal/code/mentions"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// findAddedUses answers which places of the code at the head use a column, if the deployed code has no such place there.
// Only files that differ are compared. Parsed uses are preferred; without one, names in code that works on the table.
func (u *Code) findAddedUses(q question) analysis.Usage {
	out := analysis.Usage{Known: u.ReadFiles().err == nil}
	if u.Head == nil || len(u.Changes) == 0 {
		return out
	}
	head := u.Head()
	head.Schemas = u.Schemas
	added := selectNewUses(u, head, u.parsedUses(q), head.parsedUses(q))
	if model := findAddedFields(u, head, q); len(added) == 0 && model != nil {
		out.Used, out.Count, out.Evidence, out.Read = true, len(model), model, model
		return out
	}
	if len(added) == 0 {
		added = selectNewUses(u, head, u.findNamedUses(q), head.findNamedUses(q))
		out.Named = len(added) > 0
	}
	out.Used, out.Count, out.Evidence = len(added) > 0, len(added), head.makeEvidence(added, maxEvidence)
	if !out.Named {
		out.Read = head.makeEvidence(slices.DeleteFunc(added, func(e index.Use) bool { return !isReadUse(e) }), maxEvidence)
	}
	return out
}

// findAddedFields returns the fields of the framework's own models at the head that have a column, if no model at the base has it: each query of
// such a model names the column.
func findAddedFields(base, head *Code, q question) []onward.Evidence {
	if now, _ := head.answerFromModels(q); now.Used {
		if answer, _ := base.answerFromModels(q); !answer.Used {
			return now.Evidence
		}
	}
	return nil
}

// parsedUses returns the places of the code that use a column, as SQL or as a mapper's declaration or call.
func (u *Code) parsedUses(q question) []index.Use {
	return slices.DeleteFunc(u.indexFor(q).Column(q.Name, q.Column), func(e index.Use) bool { return e.Grade == facts.Observed })
}

// findNamedUses returns the places of files that differ, and work on the table or name it, at which the name of a column
// is a field, a key, or a part of a query.
func (u *Code) findNamedUses(q question) []index.Use {
	b := u.indexFor(q)
	works := b.FilesUsing(q.Name)
	tables := newMarks(u.tableNames(q))
	words := u.ReadFiles().readIdentifiers()
	paths := map[string]bool{}
	for _, c := range u.Changes {
		paths[c.Path], paths[cmp.Or(c.OldPath, c.Path)] = true, true
	}
	files := map[string]bool{}
	for i := range u.ReadFiles().files {
		f := &u.ReadFiles().files[i]
		if paths[f.Path] && (b.Skip == nil || !b.Skip(f.Path)) && (works[f.Path] || tables.isAnyIn(words[i])) {
			files[f.Path] = true
		}
	}
	found := u.findMentions(files, append(facts.Spellings(q.Column), q.Column))
	owner := u.newColumnOwner(q, u.otherTables(q))
	var out []index.Use
	for i := range found {
		m := &found[i]
		if !owner.isOtherTable(u.codes[m.path], *m) && rankMention(m) < rankWord {
			out = append(out, index.Use{Path: m.path, Line: m.Line, Grade: facts.Named})
		}
	}
	u.codes = nil
	return out
}

// usedLine is a use in a file that differs, with its line of code.
type usedLine struct {
	index.Use
	text string
}

// selectNewUses returns the uses at the head that the base does not have. A line that only moved, also to another file, is
// not new, and neither is an edited line: a file has as many new uses as it has more of them.
func selectNewUses(base, head *Code, baseUses, headUses []index.Use) []index.Use {
	from := map[string]string{} // the file at the base, by that at the head
	old := map[string]bool{}
	for _, c := range base.Changes {
		switch c.Kind {
		case gitrange.Added:
			from[c.Path] = ""
		case gitrange.Deleted:
			old[c.Path] = true
		default:
			from[c.Path] = cmp.Or(c.OldPath, c.Path)
			old[from[c.Path]] = true
		}
	}
	before := linesOf(base, baseUses, func(path string) bool { return old[path] })
	after := linesOf(head, headUses, func(path string) bool { _, ok := from[path]; return ok })
	left := map[string]int{}
	for _, l := range before {
		left[l.text]++
	}
	moved := map[string]int{}
	var rest []usedLine
	for _, l := range after {
		if left[l.text] > 0 {
			left[l.text]--
			moved[l.text]++
			continue
		}
		rest = append(rest, l)
	}
	edited := map[string]int{} // uses of each file at the base that are not at the head
	for _, l := range before {
		if moved[l.text] > 0 {
			moved[l.text]--
			continue
		}
		edited[l.Path]++
	}
	var out []index.Use
	for _, l := range rest {
		if path := from[l.Path]; path != "" && edited[path] > 0 {
			edited[path]--
			continue
		}
		out = append(out, l.Use)
	}
	return out
}

// linesOf returns the uses in some files, with their lines.
func linesOf(u *Code, uses []index.Use, in func(path string) bool) []usedLine {
	var out []usedLine
	uses = slices.DeleteFunc(slices.Clone(uses), func(e index.Use) bool { return !in(e.Path) })
	u.ReadFiles().readFilesOf(uses)
	for _, e := range uses {
		out = append(out, usedLine{e, strings.Join(strings.Fields(u.ReadFiles().sourceLine(e.Path, e.Line)), " ")})
	}
	return out
}

// mention is a name of a column in code that uses its table.
type mention struct {
	mentions.Mention
	path, text string // its line
	rank       int    // the lower, the better; see rankFar
}

// Ranks of weaker evidence: the higher, the weaker.
const (
	rankFar   = 2 // lines between it and the table's name
	rankWord  = 3 // a short name that is a common word
	rankData  = 4 // data in a text
	rankAlone = 8 // nothing in the file has the table's name
)

// selectBestMentions returns the best mentions of a column. A mention is better the nearer it is to a
// use of the table; best is one right next to the table's name.
func (q question) selectBestMentions(found []mention, table []index.Use) []index.Use {
	lines := map[string][]int{}
	for _, e := range table {
		lines[e.Path] = append(lines[e.Path], e.Line)
	}
	for i := range found {
		m := &found[i]
		switch d := lineDistance(lines[m.path], m.Line); {
		case len(lines[m.path]) == 0:
			m.rank = rankAlone
		case d == 0:
			m.rank = -1 // in one query
		case d > 40:
			m.rank = rankFar
		case d > 8:
			m.rank = 1
		}
		if strings.Contains(m.text, `\"`+m.Word+`\"`) {
			m.rank += rankData
		} else {
			m.rank += rankMention(m)
		}
	}
	written := func(m mention) int { // a column as in the schema
		if m.Word == q.Column {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(found, func(a, b mention) int { return cmp.Or(a.rank-b.rank, written(a)-written(b)) })
	var out []index.Use
	for _, m := range found {
		// A mention that is far worse than the best is no evidence.
		e := index.Use{Path: m.path, Line: m.Line, Grade: facts.Named}
		if m.rank < found[0].rank+rankData && !slices.Contains(out, e) && len(out) < maxEvidence {
			out = append(out, e)
		}
	}
	return out
}

// commonWord is the length up to which a name counts as a common word: id, type, name.
const commonWord = 4

// speaksSQL matches a line with SQL, or with a column's declaration for a mapper.
var speaksSQL = lazyregexp.New(`(?i)\b(?:select|insert|update|delete|where|returning|order\s+by|column)\b|\b(?:db|gorm|bun|json|sql)[:(=]`)

// rankMention ranks a mention: in SQL or a declaration, as a field or a key, or as a mere
// word.
func rankMention(m *mention) int {
	offset := strings.Index(m.text, m.Word)
	switch {
	case offset < 0 || len(m.Word) > commonWord || speaksSQL.MatchString(m.text):
		return 0
	case isFieldOrKey(m.text, offset, len(m.Word)):
		return 1
	}
	return rankWord
}

// isFieldOrKey reports whether n bytes of a line are a field or a key.
func isFieldOrKey(line string, offset, n int) bool {
	return offset > 0 && strings.IndexByte(".\"'`", line[offset-1]) >= 0 || offset+n < len(line) && strings.IndexByte(":=\"'`", line[offset+n]) >= 0
}

// lineDistance returns how many lines a line is from the nearest of others.
func lineDistance(lines []int, line int) int {
	best := 1 << 30
	for _, l := range lines {
		best = min(best, max(l-line, line-l))
	}
	return best
}

// otherTables returns the tables of the deployed schema that have a column of the same name.
func (u *Code) otherTables(q question) map[string]bool {
	c := u.Schemas[q.database]
	if c == nil || q.Column == "" {
		return nil
	}
	out := map[string]bool{}
	c.EachRelation(func(r *catalog.Relation) bool {
		if r.Kind.IsTable() && r.Name.Name != q.Name.Name && r.Column(q.Column) != nil {
			out[strings.ToLower(r.Name.Name)] = true
		}
		return true
	})
	return out
}

// findColumnName searches the name of a column in the code that uses its table: even if parsed SQL
// and mappers do not have it, a name may mean the column.
func (u *Code) findColumnName(b *index.Bound, q question, out *analysis.Usage) {
	works := b.FilesUsing(q.Name)
	if len(works) == 0 {
		return
	}
	words := []string{q.Column}
	leaves := b.FindIgnored(q.Name, q.Column)
	if len(leaves) == 0 { // otherwise only SQL names it
		words = append(words, facts.Spellings(q.Column)...)
	}
	found := u.findMentions(works, words)
	owner := u.newColumnOwner(q, u.otherTables(q))
	found = slices.DeleteFunc(found, func(m mention) bool {
		return slices.ContainsFunc(leaves, func(e index.Use) bool { return e.Path == m.path && e.Line == m.Line }) || owner.isOtherTable(u.codes[m.path], m)
	})
	uses := append(b.PutColumn(q.Name, q.Column), q.selectBestMentions(found, b.Relation(q.Name))...)
	u.codes = nil
	if len(uses) > 0 {
		out.Named, out.Nothing, out.Evidence = true, false, u.makeEvidence(uses, maxEvidence)
	}
}

// findMentions returns the places of some names in some files, whose blocks are kept until
// the question is answered.
func (u *Code) findMentions(works map[string]bool, words []string) []mention {
	var paths []string
	for p := range works {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	texts, _ := u.base.ReadAll(paths) // a file that cannot be read again is skipped
	u.codes = map[string]*codeText{}
	var out []mention
	for _, p := range paths {
		text := texts[p]
		if !slices.ContainsFunc(words, func(w string) bool { return bytes.Contains(text, []byte(w)) }) {
			continue
		}
		source := mentions.CutFile(p, text)
		list := source.Mentions(words)
		if len(list) == 0 {
			continue
		}
		t := readBlocks(source, string(text))
		u.codes[p] = t
		for _, m := range list {
			out = append(out, mention{Mention: m, path: p, text: t.lineText(m.Line - 1)})
		}
	}
	return out
}
