package javascript

import (
	"bytes"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

var (
	tsUnion  = lazyregexp.New(`^type\s+(\w+)\s*=((?:\s*\|?\s*["'][^"'\n]*["'])+)`)
	tsList   = lazyregexp.New(`^const\s+(\w+)\s*(?::[^=\n]*)?=\s*(?:z\.enum\(\s*|Object\.freeze\(\s*)?([\[{])`)
	tsPgEnum = lazyregexp.New(`^(?:pgEnum|\.enum)\(\s*["'](\w+)["']\s*,\s*(\[)`)
	keyed    = lazyregexp.New(`^\s*["']?(\w+)["']?\s*:\s*["']`)
)

// readScriptEnums reads TypeScript's enums, unions of texts, lists and objects of them, and
// Drizzle's pgEnum.
func readScriptEnums(r *source.File) {
	source.ReadBlockEnums(r)
	r.EachMatch("type ", tsUnion, func(offset int, m []int) {
		e := facts.Enum{Class: r.GroupText(m, 1), Line: r.LineAt(offset)}
		r.AddTexts(&e, m[4], m[5])
		r.AddEnum(e)
	})
	lists := func(offset int, m []int) { readTextList(r, offset, m) }
	r.EachMatch("const ", tsList, lists)
	r.EachMatch("pgEnum(", tsPgEnum, lists)
	r.EachMatch(".enum(", tsPgEnum, lists)
}

// readTextList reads a list or an object of texts, and of nothing else.
func readTextList(r *source.File, offset int, m []int) {
	e, plain, object := facts.Enum{Class: r.GroupText(m, 1), Line: r.LineAt(offset)}, true, r.Text[m[4]] == '{'
	r.EachEntry(m[5], func(from, to int, text string) bool {
		entry := bytes.TrimSpace(r.Text[from:to])
		quote := bytes.IndexAny(entry, `"'`)
		line := from + max(0, bytes.IndexAny(r.Text[from:to], `"'`))
		switch {
		case len(entry) == 0:
		case quote < 0 || !object && quote > 0:
			plain = false
		case object:
			k := keyed.FindSubmatch(entry)
			if plain = k != nil; plain {
				e.Labels = append(e.Labels, r.MakeLabel(string(k[1]), text, line))
			}
		default:
			e.Labels = append(e.Labels, r.MakeLabel("", text, line))
		}
		return plain && len(e.Labels) <= source.MaxLabels
	})
	if plain {
		r.AddEnum(e)
	}
}
