package sql

import (
	"fmt"
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/onward"
)

// maxListProblems bounds how many unknown names of a list are reported.
const maxListProblems = 20

// sortByList returns the files that the runner's list names, in its order. The list may be a text, JSON, YAML, a script of psql, or code
// with the names: each word that is a file of the directory counts. Files that it does not name are listed as not judged.
func (c *configuredRunner) sortByList(t adapter.Tree, set *adapter.Set, names []string) []string {
	listPath := path.Join(set.Source.Dir, c.List)
	if !adapter.HasFile(t, listPath) {
		set.Opaque = append(set.Opaque, onward.Opaque{
			Path: listPath, What: "the list of migrations", Failed: true,
			Why: "there is no such file; all files are read by number instead",
		})
		return names
	}
	read := adapter.ReadFile(t, listPath)
	if read.Failed != "" {
		set.Opaque = append(set.Opaque, onward.Opaque{
			Path: listPath, What: "the list of migrations", Failed: true, Why: read.Failed + "; all files are read by number instead",
		})
		return names
	}
	files := nameForms(names)
	listed := map[string]bool{}
	var out []string
	unknown := 0
	for word, place := range listWords(read.Text) {
		name, ok := files[word]
		switch {
		case ok && !listed[name]:
			listed[name] = true
			out = append(out, name)
		case !ok && strings.HasSuffix(word, ".sql") && !c.IsDown(word) && unknown < maxListProblems:
			unknown++
			set.Problems = append(set.Problems, adapter.Problem{Path: listPath, Refusal: history.Refusal{
				Line: place, Column: 1, Message: fmt.Sprintf("the list names %s, which is no file of the directory", word),
				Harm: c.DisplayName() + " cannot run it", Instead: "add the file, or remove the line",
			}})
		}
	}
	for _, name := range names {
		if !listed[name] {
			set.Opaque = append(set.Opaque, onward.Opaque{
				Path: path.Join(set.Source.Dir, name), What: "SQL file that " + listPath + " does not name", Why: "it does not count as a migration",
			})
		}
	}
	return out
}

// nameForms maps each way to write a file's name to the file: its path, the name alone, and both without .sql. A form of several files
// means none of them.
func nameForms(names []string) map[string]string {
	out := make(map[string]string, 4*len(names))
	add := func(form, name string) {
		if other, used := out[form]; used && other != name {
			name = ""
		}
		out[form] = name
	}
	for _, name := range names {
		for _, form := range []string{path.Base(name), strings.TrimSuffix(path.Base(name), ".sql")} {
			add(form, name)
		}
	}
	for _, name := range names { // a path is never ambiguous
		out[name], out[strings.TrimSuffix(name, ".sql")] = name, name
	}
	for form, name := range out {
		if name == "" {
			delete(out, form)
		}
	}
	return out
}

// listWords iterates over the words of a list with their lines. Comments are left out.
func listWords(text string) func(yield func(word string, line int) bool) {
	return func(yield func(string, int) bool) {
		n := 0
		for line := range strings.Lines(text) {
			n++
			line = strings.TrimSpace(line)
			if strings.HasPrefix(line, "#") || strings.HasPrefix(line, "--") || strings.HasPrefix(line, "//") {
				continue
			}
			for word := range strings.FieldsFuncSeq(line, func(r rune) bool { return strings.ContainsRune(" \t\"'`,;()[]{}<>=", r) }) {
				word = strings.TrimPrefix(strings.TrimSuffix(word, ":"), "./")
				if !yield(word, n) {
					return
				}
			}
		}
	}
}
