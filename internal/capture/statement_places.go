package capture

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/internal/wire/ordered"
)

// places finds the line of a migration's file that makes a statement.
type places struct {
	// rendered are the parts that the framework's own adapter reads, by their SQL.
	rendered map[string]script.Part
	// lines are the words of each line of the file; nil for a long one.
	lines []map[string]bool
	// last is the line of the last statement that was found by names.
	last int
}

// maxLines bounds the files whose lines are searched for names.
const maxLines = 2000

// linesOfCall is how many lines of a call are searched for names that no line has two of.
const linesOfCall = 8

var (
	// commentLine matches a line that is a comment in most languages.
	commentLine = lazyregexp.New(`^\s*(?://|/?\*|#)`)
	wordInCode  = lazyregexp.New(`[A-Za-z_][A-Za-z0-9_]*`)
	// stepStart matches the line in which the function begins that makes a change, or the one that undoes it.
	stepStart = lazyregexp.New(`^\s*(?:(?:export|default|public|static|override|async|function|const|let|def|self\.|module\.|exports\.)\s*)*` +
		`(up|change|upgrade|down|downgrade)\b\s*(?:[=:(]|$)`)
)

// newPlaces reads the places of a migration; known is nil if no adapter reads it.
func newPlaces(text string, known *adapter.Migration) *places {
	p := &places{rendered: map[string]script.Part{}}
	if known != nil {
		for _, part := range known.Source.Parts {
			if sql := trimSQL(part.SQL); part.Line > 0 && p.rendered[sql].Line == 0 {
				p.rendered[sql] = part
			}
		}
	}
	if len(text) > maxSearchedText || strings.Count(text, "\n") > maxLines {
		return p
	}
	undoing := false
	for line := range strings.Lines(text) {
		if m := stepStart.FindStringSubmatch(line); m != nil {
			undoing = strings.HasPrefix(m[1], "down")
		}
		words := map[string]bool{}
		if undoing || commentLine.MatchString(line) {
			line = ""
		}
		for _, w := range wordInCode.FindAllString(line, -1) {
			words[strings.ToLower(w)] = true
		}
		p.lines = append(p.lines, words)
	}
	return p
}

// setPlace sets the place of a part: the place of the same SQL, else the line with the most names of the statement, and with two
// at least. Of several such lines it is the first that does not precede the last statement's. Otherwise it
// is the line of the last statement.
func (p *places) setPlace(part *script.Part, nodes []*pgparse.Node) {
	if k, ok := p.rendered[trimSQL(part.SQL)]; ok {
		part.Line, part.Column, part.EndLine, part.EndColumn, part.Operation = k.Line, k.Column, k.EndLine, k.EndColumn, k.Operation
		return
	}
	if line := cmp.Or(p.guessLine(nodes), p.last); line > 0 {
		part.Line, part.EndLine = line, line
	}
}

// maxNames bounds the names of a statement that are searched, maxConstant the length of a constant whose words are.
const (
	maxNames    = 20
	maxConstant = 40
)

// listStatementNames returns the names of relations, columns, indexes and constraints in statements, and words of constants, in lower
// case.
func listStatementNames(nodes []*pgparse.Node) map[string]bool {
	names := map[string]bool{}
	for _, n := range nodes {
		pgparse.Walk(n, func(msg any) bool {
			var list []string
			switch x := msg.(type) {
			case *pgparse.RangeVar:
				list = []string{x.Relname}
			case *pgparse.ColumnDef:
				list = []string{x.Colname}
			case *pgparse.AlterTableCmd:
				list = []string{x.Name}
			case *pgparse.IndexStmt:
				list = []string{x.Idxname}
			case *pgparse.IndexElem:
				list = []string{x.Name}
			case *pgparse.ResTarget:
				list = []string{x.Name}
			case *pgparse.ColumnRef:
				list = pgparse.StringTexts(x.Fields)
			case *pgparse.A_Const:
				if text := x.GetSval().GetSval(); len(text) <= maxConstant {
					list = wordInCode.FindAllString(text, -1)
				}
			case *pgparse.Constraint:
				list = append(pgparse.StringTexts(x.Keys), x.Conname)
			case *pgparse.DropStmt:
				for _, o := range x.Objects {
					list = append(list, pgparse.StringTexts(o.GetList().GetItems())...)
				}
			}
			for _, name := range list {
				if name != "" {
					names[strings.ToLower(name)] = true
				}
			}
			return len(names) < maxNames
		})
	}
	return names
}

// guessLine returns that line, from 1; 0 if there is none. A statement with one name needs only that name. If no line has enough
// names, the lines of one call may have them together.
func (p *places) guessLine(nodes []*pgparse.Node) int {
	names := listStatementNames(nodes)
	if len(p.lines) == 0 || len(names) == 0 {
		return 0
	}
	counts := make([]int, len(p.lines))
	for i, words := range p.lines {
		for name := range names {
			if words[name] {
				counts[i]++
			}
		}
	}
	minCount := min(2, len(names))
	best := p.bestLine(counts, minCount)
	if best == 0 {
		best = p.bestLine(sumCallLines(counts), minCount)
	}
	if best != 0 {
		p.last = best
	}
	return best
}

// bestLine returns the line with the highest count, from 1; 0 if none is high enough.
func (p *places) bestLine(counts []int, minCount int) int {
	best, most := 0, minCount-1
	for i, n := range counts {
		if n > most || n == most && best != 0 && best < p.last && i+1 >= p.last {
			best, most = i+1, n
		}
	}
	return best
}

// sumCallLines adds the counts of the lines that follow to the count of each line that has one.
func sumCallLines(counts []int) []int {
	out, sum := make([]int, len(counts)), 0
	for i := len(counts) - 1; i >= 0; i-- {
		sum += counts[i]
		if i+linesOfCall < len(counts) {
			sum -= counts[i+linesOfCall]
		}
		if counts[i] > 0 {
			out[i] = sum
		}
	}
	return out
}

// migrationFiles are the files of a directory of migrations, by what a tool may call them.
type migrationFiles struct {
	tree  adapter.Tree
	paths []string
	// keys maps each name that a tool may use to the paths of files, and texts has the contents that were read, by path.
	keys  map[string][]string
	texts map[string]string
	// searches is how many more segments may be searched in the texts of files.
	searches int
}

// Limits of the files whose texts are read.
const (
	maxSearchedFiles = 2000
	maxSearchedText  = 1 << 20
	maxSearches      = 100
)

var (
	longNumber = lazyregexp.New(`[0-9]{3,}`)
	revisionID = lazyregexp.New(`(?m)^revision(?:\s*:\s*[^=\n]+)?\s*=\s*["']([^"'\n]+)["']`)
)

// listMigrationFiles lists the files below a directory: by name, with and without extension, by what precedes a "_",
// "-" or "." in it, by numbers in it, and by the revision that a Python file names.
func listMigrationFiles(t adapter.Tree, dir string) *migrationFiles {
	f := &migrationFiles{tree: t, keys: map[string][]string{}, texts: map[string]string{}, searches: maxSearches}
	for _, relPath := range adapter.FilesBelow(t, dir) {
		if strings.Contains(relPath, "node_modules/") || isCompanionFile(relPath) {
			continue
		}
		p := path.Join(dir, relPath)
		f.paths = append(f.paths, p)
		name := path.Base(p)
		f.addKey(name, p)
		for i := range len(name) {
			if strings.IndexByte("_-.", name[i]) >= 0 && i > 0 {
				f.addKey(name[:i], p)
			}
		}
		for _, n := range longNumber.FindAllString(name, -1) {
			f.addKey("#"+n, p)
		}
		if path.Ext(p) == ".py" && len(f.paths) <= maxSearchedFiles {
			if m := revisionID.FindStringSubmatch(f.readText(p)); m != nil {
				f.addKey(m[1], p)
			}
		}
	}
	return f
}

// isCompanionFile reports whether a file belongs to the migration of another file with the same name.
func isCompanionFile(file string) bool {
	switch path.Ext(strings.TrimSuffix(file, path.Ext(file))) {
	case ".down", ".undo", ".rollback", ".Designer", ".designer":
		return true
	}
	return false
}

func (f *migrationFiles) addKey(key, p string) {
	if list := f.keys[key]; len(list) < 2 && !slices.Contains(list, p) { // two are as good as many: neither is found
		f.keys[key] = append(list, p)
	}
}

// findFile returns the file of a segment; "" if there is none, or several.
func (f *migrationFiles) findFile(s *Segment) string {
	switch {
	case s.After:
		return ""
	case s.ID == "":
		return f.findByText(s.Statements)
	}
	if list := f.keys[path.Base(s.ID)]; len(list) == 1 {
		return list[0]
	}
	// TypeORM's "AddEmail1700000000000" is in 1700000000000-AddEmail.ts.
	number := ""
	for _, n := range longNumber.FindAllString(s.ID, -1) {
		if len(n) > len(number) {
			number = n
		}
	}
	if list := f.keys["#"+number]; len(list) == 1 {
		return list[0]
	}
	return ""
}

// findByText finds the file that has the first statement of a segment letter by letter.
func (f *migrationFiles) findByText(list []*ordered.Statement) string {
	if f.searches--; f.searches < 0 || len(f.paths) > maxSearchedFiles {
		return ""
	}
	for _, st := range list {
		sql := trimSQL(st.SQL)
		if len(sql) <= 8 {
			continue
		}
		found := ""
		for _, p := range f.paths {
			if strings.Contains(f.readText(p), sql) {
				if found != "" {
					return ""
				}
				found = p
			}
		}
		return found
	}
	return ""
}

func trimSQL(sql string) string { return strings.TrimRight(strings.TrimSpace(sql), "; \t\r\n") }

// readText returns the content of a file; "" for a large one.
func (f *migrationFiles) readText(p string) string {
	text, ok := f.texts[p]
	if !ok {
		if text = adapter.ReadFile(f.tree, p).Text; len(text) > maxSearchedText {
			text = ""
		}
		f.texts[p] = text
	}
	return text
}
