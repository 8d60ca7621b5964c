package capture

import (
	"cmp"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
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
