package queries

import (
	"bytes"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// maxConstants bounds how many constants of a file are recorded.
const maxConstants = 2000

// RecordConstant records a constant that other files may use.
func RecordConstant(r *source.File, l lexer.String) {
	text := r.Text[l.From:l.To]
	if l.Symbol || len(r.Facts.Constants) == maxConstants || !source.TableText.Match(text) {
		return
	}
	if holder := r.FindHolder(l); holder != "" {
		r.Facts.Constants = append(r.Facts.Constants, facts.ConstantText{Name: holder[strings.LastIndexByte(holder, '.')+1:], Text: string(text)})
	}
}

// RecordConstantCalls records the calls whose table is a constant.
func RecordConstantCalls(r *source.File) {
	for offset := 0; ; offset++ {
		n := bytes.IndexByte(r.Text[offset:], '(')
		if n < 0 {
			return
		}
		offset += n
		callee, _ := source.LastWord(r.Text[max(0, offset-maxCallee):offset])
		before := r.Text[max(0, offset-len(callee)-maxCallee) : offset-len(callee)] // the point may be on the line above
		if callee == "" || !bytes.HasSuffix(bytes.TrimRight(before, " \t\r\n"), []byte(".")) {
			continue
		}
		access, known := callees[strings.ToLower(callee)]
		if !known {
			continue
		}
		if from, to := argumentNameRange(r.Text, offset+1); to > 0 && !lexer.IsInSpans(r.Comments, offset) && !r.IsInString(offset) {
			recordConstantCall(r, from, to, access)
		}
	}
}

// maxCallee is longer than the name of any callee.
const maxCallee = 20

// argumentNameRange returns the range of a call's first argument if it is a plain name; to is 0 if it is not.
func argumentNameRange(text []byte, from int) (int, int) {
	for from < len(text) && strings.IndexByte(" \t\r\n", text[from]) >= 0 {
		from++
	}
	to := from
	for to < len(text) && (lexer.NameByte[text[to]] || text[to] == '.') {
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

// recordConstantCall records a call whose first argument is a name.
func recordConstantCall(r *source.File, from, to int, access facts.How) {
	c := facts.Call{Line: r.LineAt(from), How: access, Constant: string(r.Text[from:to])}
	last := c.Constant[strings.LastIndexByte(c.Constant, '.')+1:]
	switch indexes := r.FindConstant(c.Constant); {
	case len(indexes) == 1 && source.TableText.Match(r.Text[r.Strings[indexes[0]].From:r.Strings[indexes[0]].To]):
		c.Table, c.Constant = string(r.Text[r.Strings[indexes[0]].From:r.Strings[indexes[0]].To]), ""
	case last[0] < 'A' || last[0] > 'Z':
		return // a variable
	}
	source.RecordNames(&c, r, r.FindCallStart(from), from)
	source.RecordNames(&c, r, to, r.FindCallEnd(to))
	r.Facts.Calls = append(r.Facts.Calls, c)
}

// aliasing are the words before a constant of Java, C# or Kotlin that may get its text from another one.
var aliasing = []string{"static final String ", "final static String ", "const string ", "const val "}

// aliased matches the declaration of such a constant after these words.
var aliased = lazyregexp.New(`^(\w+)\s*=\s*((?:\w+\.)*[A-Z]\w*)\s*(?:;|$)`)

// RecordConstantAliases records the constants that get their text from another one.
func RecordConstantAliases(r *source.File) {
	if r.Language != lexer.JVM && r.Language != lexer.CSharp || len(r.Facts.Constants) == 0 {
		return
	}
	for _, words := range aliasing {
		for offset := 0; len(r.Facts.Constants) < maxConstants; {
			n := bytes.Index(r.Text[offset:], []byte(words))
			if n < 0 {
				break
			}
			offset += n + len(words)
			if m := aliased.FindSubmatch(r.Text[offset : offset+lexer.LineEnd(r.Text[offset:])]); m != nil {
				r.Facts.Constants = append(r.Facts.Constants, facts.ConstantText{Name: string(m[1]), Alias: string(m[2])})
			}
		}
	}
}
