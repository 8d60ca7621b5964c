package capture

import (
	"cmp"
	"regexp"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
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

var wordInCode = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)

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
	for line := range strings.Lines(text) {
		words := map[string]bool{}
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

// listNames returns the names of relations, columns, indexes and constraints in statements, and words of constants, in lower
// case.
func listNames(nodes []*pgparse.Node) map[string]bool {
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

// guessLine returns that line, from 1; 0 if there is none.
func (p *places) guessLine(nodes []*pgparse.Node) int {
	if len(p.lines) == 0 {
		return 0
	}
	names := listNames(nodes)
	best, most := 0, 1
	for i, words := range p.lines {
		n := 0
		for name := range names {
			if words[name] {
				n++
			}
		}
		if n > most || n == most && best != 0 && best < p.last && i+1 >= p.last {
			best, most = i+1, n
		}
	}
	if best != 0 {
		p.last = best
	}
	return best
}
