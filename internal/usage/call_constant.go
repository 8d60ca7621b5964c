package usage

import (
	"bytes"
	"path"
	"regexp"
	"strings"
)

// A mapper's call may take the name of its table from a constant: of the file, or of another one.

// ConstantText is a constant of a file whose text may be the name of a relation.
type ConstantText struct{ Name, Text string }

var tableText = regexp.MustCompile(`^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?$`)

// maxConstants bounds the constants of a file that are noted.
const maxConstants = 500

// constantText notes a constant that other files may use.
func (r *reader) constantText(l literal) {
	text := r.text[l.from:l.to]
	if l.symbol || len(r.facts.Constants) == maxConstants || !tableText.Match(text) {
		return
	}
	if held := r.heldBy(l); held != "" {
		r.facts.Constants = append(r.facts.Constants, ConstantText{held[strings.LastIndexByte(held, '.')+1:], string(text)})
	}
}

// constantCalls notes the calls whose table is a constant.
func (r *reader) constantCalls() {
	for at := 0; ; at++ {
		n := bytes.IndexByte(r.text[at:], '(')
		if n < 0 {
			return
		}
		at += n
		callee, _ := word(r.text[max(0, at-maxCallee):at])
		before := r.text[max(0, at-len(callee)-maxCallee) : at-len(callee)] // the point may stand on the line above
		if callee == "" || !bytes.HasSuffix(bytes.TrimRight(before, " \t\r\n"), []byte(".")) {
			continue
		}
		how, known := callees[strings.ToLower(callee)]
		if !known {
			continue
		}
		if from, to := argumentName(r.text, at+1); to > 0 && !within(r.notes, at) && !r.inLiteral(at) {
			r.constantCall(from, to, how)
		}
	}
}

// maxCallee is longer than the name of any callee.
const maxCallee = 20

// argumentName is where the first argument of a call stands, if it is a name, and nothing else; to is 0 if it is none.
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

// constantCall notes a call whose first argument is a name.
func (r *reader) constantCall(from, to int, how How) {
	c := Call{Line: r.lineAt(from), How: how, Constant: string(r.text[from:to])}
	last := c.Constant[strings.LastIndexByte(c.Constant, '.')+1:]
	switch of := r.constOf(c.Constant); {
	case len(of) == 1 && tableText.Match(r.text[r.lits[of[0]].from:r.lits[of[0]].to]):
		c.Table, c.Constant = string(r.text[r.lits[of[0]].from:r.lits[of[0]].to]), ""
	case last[0] < 'A' || last[0] > 'Z':
		return // a variable
	}
	c.words(r, r.callStart(from), from)
	c.words(r, to, r.callEnd(to))
	r.facts.Calls = append(r.facts.Calls, c)
}

// constantsOf are the constants of all files by their names.
func constantsOf(files []File) map[string][]constantAt {
	out := map[string][]constantAt{}
	for _, f := range files {
		if f.Facts == nil {
			continue
		}
		for _, c := range f.Facts.Constants {
			out[c.Name] = append(out[c.Name], constantAt{path.Dir(f.Path), c.Text})
		}
	}
	return out
}

// constantAt is a constant's text, and the directory of its file.
type constantAt struct{ dir, text string }

// tableOf is the table of a call: by its text, or by a constant of the same directory, else of the package that it names,
// else one that has the same text everywhere; "" if none is known.
func (x *Index) tableOf(file string, c *Call) string {
	if c.Constant == "" {
		return c.Table
	}
	of, name := "", c.Constant
	if n := strings.LastIndexByte(name, '.'); n >= 0 {
		of, name = name[:n], name[n+1:]
		of = of[strings.LastIndexByte(of, '.')+1:]
	}
	best, text := 0, ""
	for _, k := range x.texts[name] {
		rank := 1
		switch {
		case of == "" && k.dir == path.Dir(file):
			rank = 3
		case of != "" && path.Base(k.dir) == of:
			rank = 2
		}
		if rank > best {
			best, text = rank, k.text
		} else if rank == best && text != k.text {
			text = "" // several, and it is not known which
		}
	}
	return text
}
