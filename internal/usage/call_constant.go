package usage

import (
	"bytes"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// A mapper's call may get the name of its table from a constant of this file, or of another one.

// ConstantText is a constant of a file whose text may be the name of a relation.
type ConstantText struct {
	Name, Text string
	// Alias is the constant that it gets its text from; "" if it has the text itself.
	Alias string
}

var tableText = lazyregexp.New(`^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?$`)

// maxConstants bounds how many constants of a file are recorded.
const maxConstants = 2000

// constantText records a constant that other files may use.
func (r *reader) constantText(l literal) {
	text := r.text[l.from:l.to]
	if l.symbol || len(r.facts.Constants) == maxConstants || !tableText.Match(text) {
		return
	}
	if held := r.heldBy(l); held != "" {
		r.facts.Constants = append(r.facts.Constants, ConstantText{Name: held[strings.LastIndexByte(held, '.')+1:], Text: string(text)})
	}
}

// constantCalls records the calls whose table is a constant.
func (r *reader) constantCalls() {
	for at := 0; ; at++ {
		n := bytes.IndexByte(r.text[at:], '(')
		if n < 0 {
			return
		}
		at += n
		callee, _ := lastWord(r.text[max(0, at-maxCallee):at])
		before := r.text[max(0, at-len(callee)-maxCallee) : at-len(callee)] // the point may be on the line above
		if callee == "" || !bytes.HasSuffix(bytes.TrimRight(before, " \t\r\n"), []byte(".")) {
			continue
		}
		how, known := callees[strings.ToLower(callee)]
		if !known {
			continue
		}
		if from, to := argumentName(r.text, at+1); to > 0 && !isInSpans(r.notes, at) && !r.inLiteral(at) {
			r.constantCall(from, to, how)
		}
	}
}

// maxCallee is longer than the name of any callee.
const maxCallee = 20

// argumentName returns the range of a call's first argument if it is a plain name; to is 0 if it is not.
func argumentName(text []byte, from int) (int, int) {
	for from < len(text) && strings.IndexByte(" \t\r\n", text[from]) >= 0 {
		from++
	}
	to := from
	for to < len(text) && (nameByte[text[to]] || text[to] == '.') {
		to++
	}
	end := to
	for end < len(text) && strings.IndexByte(" \t\r\n", text[end]) >= 0 {
		end++
	}
	if to == from || end == len(text) || text[end] != ',' && text[end] != ')' || text[from] == '.' || text[to-1] == '.' || text[from] >= '0' && text[from] <= '9' {
		return from, 0
	}
	return from, to
}

// constantCall records a call whose first argument is a name.
func (r *reader) constantCall(from, to int, how How) {
	c := Call{Line: r.lineAt(from), How: how, Constant: string(r.text[from:to])}
	last := c.Constant[strings.LastIndexByte(c.Constant, '.')+1:]
	switch of := r.constOf(c.Constant); {
	case len(of) == 1 && tableText.Match(r.text[r.lits[of[0]].from:r.lits[of[0]].to]):
		c.Table, c.Constant = string(r.text[r.lits[of[0]].from:r.lits[of[0]].to]), ""
	case last[0] < 'A' || last[0] > 'Z':
		return // a variable
	}
	c.recordNames(r, r.callStart(from), from)
	c.recordNames(r, to, r.callEnd(to))
	r.facts.Calls = append(r.facts.Calls, c)
}

// constantsOf maps names to the constants of all files.
func constantsOf(files []File) map[string][]constantAt {
	out := map[string][]constantAt{}
	for _, f := range files {
		if f.Facts == nil {
			continue
		}
		for _, c := range f.Facts.Constants {
			out[c.Name] = append(out[c.Name], constantAt{f.Path, c.Text, c.Alias})
		}
	}
	return out
}

// constantAt is a constant's text or alias, and its file.
type constantAt struct{ file, text, alias string }

// tableOf returns the table of a call, which has its name or a constant; "" if none is known.
func (x *Index) tableOf(file string, c *Call) string {
	if c.Constant == "" {
		return c.Table
	}
	return x.textOf(file, c.Constant)
}

// aliasing are the words before a constant of Java, C# or Kotlin that may get its text from another one.
var aliasing = []string{"static final String ", "final static String ", "const string ", "const val "}

// aliased matches the declaration of such a constant after these words.
var aliased = lazyregexp.New(`^(\w+)\s*=\s*((?:\w+\.)*[A-Z]\w*)\s*(?:;|$)`)

// constantAliases records the constants that get their text from another one.
func (r *reader) constantAliases() {
	if r.d != jvm && r.d != csharp || len(r.facts.Constants) == 0 {
		return
	}
	for _, words := range aliasing {
		for at := 0; len(r.facts.Constants) < maxConstants; {
			n := bytes.Index(r.text[at:], []byte(words))
			if n < 0 {
				break
			}
			at += n + len(words)
			if m := aliased.FindSubmatch(r.text[at : at+lineEnd(r.text[at:])]); m != nil {
				r.facts.Constants = append(r.facts.Constants, ConstantText{Name: string(m[1]), Alias: string(m[2])})
			}
		}
	}
}
