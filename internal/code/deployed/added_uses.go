package deployed

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/internal/gitrange"
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
