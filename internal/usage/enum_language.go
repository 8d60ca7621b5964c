package usage

import (
	"bytes"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

var (
	tsUnion  = lazyregexp.New(`^type\s+(\w+)\s*=((?:\s*\|?\s*["'][^"'\n]*["'])+)`)
	tsList   = lazyregexp.New(`^const\s+(\w+)\s*(?::[^=\n]*)?=\s*(?:z\.enum\(\s*|Object\.freeze\(\s*)?([\[{])`)
	tsPgEnum = lazyregexp.New(`^(?:pgEnum|\.enum)\(\s*["'](\w+)["']\s*,\s*(\[)`)
	quoted   = lazyregexp.New(`["']([^"'\n]*)["']`)
	keyed    = lazyregexp.New(`^\s*["']?(\w+)["']?\s*:\s*["']`)
)

// scriptEnums reads TypeScript's enums, unions of texts, lists and objects of them, and
// Drizzle's pgEnum.
func scriptEnums(r *reader) {
	blockEnums(r)
	r.eachMatch("type ", tsUnion, func(at int, m []int) {
		e := Enum{Class: r.groupText(m, 1), Line: r.lineAt(at)}
		r.addTexts(&e, m[4], m[5])
		r.addEnum(e)
	})
	r.eachMatch("const ", tsList, r.readTextList)
	r.eachMatch("pgEnum(", tsPgEnum, r.readTextList)
	r.eachMatch(".enum(", tsPgEnum, r.readTextList)
}

// addTexts adds the texts between two offsets to a class.
func (r *reader) addTexts(e *Enum, from, to int) {
	for _, t := range quoted.FindAllSubmatchIndex(r.text[from:to], -1) {
		e.Labels = append(e.Labels, r.makeLabel("", string(r.text[from+t[2]:from+t[3]]), from+t[2]))
	}
}

// readTextList reads a list or an object of texts, and of nothing else.
func (r *reader) readTextList(at int, m []int) {
	e, plain, object := Enum{Class: r.groupText(m, 1), Line: r.lineAt(at)}, true, r.text[m[4]] == '{'
	r.eachEntry(m[5], func(from, to int, text string) bool {
		entry := bytes.TrimSpace(r.text[from:to])
		quote := bytes.IndexAny(entry, `"'`)
		line := from + max(0, bytes.IndexAny(r.text[from:to], `"'`))
		switch {
		case len(entry) == 0:
		case quote < 0 || !object && quote > 0:
			plain = false
		case object:
			k := keyed.FindSubmatch(entry)
			if plain = k != nil; plain {
				e.Labels = append(e.Labels, r.makeLabel(string(k[1]), text, line))
			}
		default:
			e.Labels = append(e.Labels, r.makeLabel("", text, line))
		}
		return plain && len(e.Labels) <= maxLabels
	})
	if plain {
		r.addEnum(e)
	}
}

var (
	pyEnum  = lazyregexp.New(`^class\s+(\w+)\([^)\n]*(?:Enum|Choices)\b[^)\n]*\):[^\n]*\n`)
	pyLabel = lazyregexp.New(`^\s+(\w+)\s*=\s*(?:\(\s*)?(?:["']([^"'\n]*)["']|(?:enum\.)?auto\(\))`)
	pyNamed = lazyregexp.New(`^(?i:enum)\(((?:\s*["'][^"'\n]*["']\s*,)+)[^()]*\bname\s*=\s*["'](\w+)["']`)
)

// pythonEnums reads Enum, StrEnum and Django's TextChoices, and SQLAlchemy's enums.
func pythonEnums(r *reader) {
	r.eachMatch("class ", pyEnum, func(at int, m []int) {
		e := Enum{Class: r.groupText(m, 1), Line: r.lineAt(at)}
		outer := at - 1 - bytes.LastIndexByte(r.text[:at], '\n')
		for at := m[1]; at < len(r.text); {
			line := r.text[at : at+lineEnd(r.text[at:])]
			body := bytes.TrimLeft(line, " \t")
			if len(body) > 0 && len(line)-len(body) <= outer {
				break
			}
			if l := pyLabel.FindSubmatch(line); l != nil {
				e.Labels = append(e.Labels, r.makeLabel(string(l[1]), string(l[2]), at))
			}
			at += len(line) + 1
		}
		r.addEnum(e)
	})
	named := func(at int, m []int) {
		e := Enum{Class: r.groupText(m, 2), Line: r.lineAt(at)}
		r.addTexts(&e, m[2], m[3])
		r.addEnum(e)
	}
	r.eachMatch("Enum(", pyNamed, named)
	r.eachMatch("ENUM(", pyNamed, named)
}

var goConst = lazyregexp.New(`^(?:const)?[ \t]+(\w+)[ \t]+(\w+)[ \t]*=[ \t]*"([^"\n]*)"[ \t]*(?://.*)?$`)

// readGoEnums reads constants of one type: const Paid Status = "paid".
func readGoEnums(r *reader) {
	if !bytes.Contains(r.text, []byte("const")) {
		return
	}
	of := map[string]int{}
	var list []Enum
	for at := 0; ; {
		n := bytes.Index(r.text[at:], []byte(`= "`))
		if n < 0 {
			break
		}
		from := bytes.LastIndexByte(r.text[:at+n], '\n') + 1
		at += n + lineEnd(r.text[at+n:])
		m := goConst.FindSubmatch(r.text[from:at])
		if m == nil || string(m[2]) == "string" {
			continue
		}
		class := string(m[2])
		i, known := of[class]
		if !known {
			i = len(list)
			of[class], list = i, append(list, Enum{Class: class, Line: r.lineAt(from)})
		}
		list[i].Labels = append(list[i].Labels, r.makeLabel(string(m[1]), string(m[3]), from))
	}
	for _, e := range list {
		r.addEnum(e)
	}
}

var (
	rubyEnum  = lazyregexp.New(`(?m)^\s*enum\s*\(?\s*(?::(\w+)\s*,\s*(?:\{|(?:\w+:))|(\w+):\s*\{)`)
	rubyLabel = lazyregexp.New(`\b(\w+)(?::|"?\s*=>)\s*["']([^"'\n]*)["']`)
)

// rubyEnums reads the enums of ActiveRecord whose values are texts.
func rubyEnums(r *reader) {
	for _, m := range rubyEnum.FindAllSubmatchIndex(r.text, -1) {
		e := Enum{Class: r.groupText(m, 1) + r.groupText(m, 2), Line: r.lineAt(m[0])}
		from := max(m[3], m[5])
		to := from + min(len(r.text)-from, maxGlue*4)
		if n := bytes.IndexByte(r.text[from:to], '}'); n >= 0 {
			to = from + n
		}
		for _, l := range rubyLabel.FindAllSubmatchIndex(r.text[from:to], -1) {
			e.Labels = append(e.Labels, r.makeLabel(string(r.text[from+l[2]:from+l[3]]), string(r.text[from+l[4]:from+l[5]]), from+l[0]))
		}
		r.addEnum(e)
	}
}

var prismaLabel = lazyregexp.New(`(?m)^[ \t]*(\w+)[ \t]*(?:@map\(\s*"([^"\n]+)"\))?[ \t]*(?://.*)?$`)

// prismaEnums reads Prisma's enums, whose type has the same name unless @@map gives
// another.
func prismaEnums(r *reader) {
	for _, m := range prismaEnum.FindAllSubmatchIndex(r.text, -1) {
		body := r.text[m[1]:r.blockEnd(m[1])]
		e := Enum{Class: r.groupText(m, 1), Line: r.lineAt(m[2])}
		for line := range bytes.Lines(body) {
			if t := firstGroup(prismaTable, string(bytes.TrimSpace(line))); t != "" {
				e.Class = t
			}
		}
		for _, l := range prismaLabel.FindAllSubmatchIndex(body, -1) {
			text := ""
			if l[4] >= 0 {
				text = string(body[l[4]:l[5]])
			}
			e.Labels = append(e.Labels, r.makeLabel(string(body[l[2]:l[3]]), text, m[1]+l[2]))
		}
		r.addEnum(e)
		r.facts.Types = append(r.facts.Types, Place{e.Class, e.Line}) // its client casts what it writes and compares
	}
}
