package usage

import (
	"bytes"
	"regexp"
)

var (
	tsUnion  = regexp.MustCompile(`\btype\s+(\w+)\s*=((?:\s*\|?\s*["'][^"'\n]*["'])+)`)
	tsList   = regexp.MustCompile(`\bconst\s+(\w+)\s*(?::[^=\n]*)?=\s*(?:z\.enum\(\s*|Object\.freeze\(\s*)?([\[{])`)
	tsPgEnum = regexp.MustCompile(`\b(?:pgEnum|\w+\.enum)\(\s*["'](\w+)["']\s*,\s*(\[)`)
	quoted   = regexp.MustCompile(`["']([^"'\n]*)["']`)
	keyed    = regexp.MustCompile(`^\s*["']?(\w+)["']?\s*:\s*["']`)
)

// scriptEnums reads TypeScript's enums, unions of texts, lists and objects of them, and
// the enums that Drizzle is told of.
func scriptEnums(r *reader) {
	blockEnums(r)
	for _, m := range tsUnion.FindAllSubmatchIndex(r.text, -1) {
		e := Enum{Class: r.group(m, 1), Line: r.lineAt(m[0])}
		for _, t := range quoted.FindAllSubmatchIndex(r.text[m[4]:m[5]], -1) {
			e.Labels = append(e.Labels, r.label("", string(r.text[m[4]+t[2]:m[4]+t[3]]), m[4]+t[2]))
		}
		r.class(e)
	}
	for _, head := range []*regexp.Regexp{tsList, tsPgEnum} {
		for _, m := range head.FindAllSubmatchIndex(r.text, -1) {
			e, plain := Enum{Class: r.group(m, 1), Line: r.lineAt(m[0])}, true
			object := r.text[m[4]] == '{'
			r.entries(m[5], func(from, to int, text string) {
				entry := r.text[from:to]
				at := bytes.IndexAny(entry, `"'`)
				k := keyed.FindSubmatch(entry)
				switch {
				case len(bytes.TrimSpace(entry)) == 0:
				case at < 0 || object && k == nil || !object && len(bytes.TrimSpace(entry[:at])) > 0:
					plain = false // of something else than texts
				case object:
					e.Labels = append(e.Labels, r.label(string(k[1]), text, from+at))
				default:
					e.Labels = append(e.Labels, r.label("", text, from+at))
				}
			})
			if plain {
				r.class(e)
			}
		}
	}
}

var (
	pyEnum  = regexp.MustCompile(`(?m)^([ \t]*)class\s+(\w+)\([^)\n]*(?:Enum|Choices)\b[^)\n]*\):[^\n]*\n`)
	pyLabel = regexp.MustCompile(`^\s+(\w+)\s*=\s*(?:\(\s*)?(?:["']([^"'\n]*)["']|(?:enum\.)?auto\(\))`)
	pyNamed = regexp.MustCompile(`\b(?:Enum|ENUM)\(((?:\s*["'][^"'\n]*["']\s*,)+)[^()]*\bname\s*=\s*["'](\w+)["']`)
)

// pythonEnums reads Enum, StrEnum and Django's TextChoices, and what SQLAlchemy is told.
func pythonEnums(r *reader) {
	for _, m := range pyEnum.FindAllSubmatchIndex(r.text, -1) {
		e := Enum{Class: r.group(m, 2), Line: r.lineAt(m[4])}
		outer := m[3] - m[2]
		for at := m[1]; at < len(r.text); {
			line := r.text[at : at+lineEnd(r.text[at:])]
			body := bytes.TrimLeft(line, " \t")
			if len(body) > 0 && len(line)-len(body) <= outer {
				break
			}
			if l := pyLabel.FindSubmatch(line); l != nil {
				e.Labels = append(e.Labels, r.label(string(l[1]), string(l[2]), at))
			}
			at += len(line) + 1
		}
		r.class(e)
	}
	for _, m := range pyNamed.FindAllSubmatchIndex(r.text, -1) {
		e := Enum{Class: r.group(m, 2), Line: r.lineAt(m[0])}
		for _, t := range quoted.FindAllSubmatchIndex(r.text[m[2]:m[3]], -1) {
			e.Labels = append(e.Labels, r.label("", string(r.text[m[2]+t[2]:m[2]+t[3]]), m[2]+t[2]))
		}
		r.class(e)
	}
}

var goConst = regexp.MustCompile(`(?m)^(?:const)?[ \t]+(\w+)[ \t]+(\w+)[ \t]*=[ \t]*"([^"\n]*)"[ \t]*(?://.*)?$`)

// goEnums reads constants of one type: const Paid Status = "paid".
func goEnums(r *reader) {
	if !bytes.Contains(r.text, []byte("const")) {
		return
	}
	of := map[string]int{}
	var list []Enum
	for _, m := range goConst.FindAllSubmatchIndex(r.text, -1) {
		class := r.group(m, 2)
		if class == "string" {
			continue
		}
		i, known := of[class]
		if !known {
			i = len(list)
			of[class], list = i, append(list, Enum{Class: class, Line: r.lineAt(m[4])})
		}
		list[i].Labels = append(list[i].Labels, r.label(r.group(m, 1), r.group(m, 3), m[2]))
	}
	for _, e := range list {
		r.class(e)
	}
}

var (
	rubyEnum  = regexp.MustCompile(`(?m)^\s*enum\s*\(?\s*(?::(\w+)\s*,\s*(?:\{|(?:\w+:))|(\w+):\s*\{)`)
	rubyLabel = regexp.MustCompile(`\b(\w+)(?::|"?\s*=>)\s*["']([^"'\n]*)["']`)
)

// rubyEnums reads those of ActiveRecord whose values are texts.
func rubyEnums(r *reader) {
	for _, m := range rubyEnum.FindAllSubmatchIndex(r.text, -1) {
		e := Enum{Class: r.group(m, 1) + r.group(m, 2), Line: r.lineAt(m[0])}
		from := max(m[3], m[5])
		to := from + min(len(r.text)-from, maxGlue*4)
		if n := bytes.IndexByte(r.text[from:to], '}'); n >= 0 {
			to = from + n
		}
		for _, l := range rubyLabel.FindAllSubmatchIndex(r.text[from:to], -1) {
			e.Labels = append(e.Labels, r.label(string(r.text[from+l[2]:from+l[3]]), string(r.text[from+l[4]:from+l[5]]), from+l[0]))
		}
		r.class(e)
	}
}

var prismaLabel = regexp.MustCompile(`(?m)^[ \t]*(\w+)[ \t]*(?:@map\(\s*"([^"\n]+)"\))?[ \t]*(?://.*)?$`)

// prismaEnums reads Prisma's, which go by their own name unless @@map says another.
func prismaEnums(r *reader) {
	for _, m := range prismaEnum.FindAllSubmatchIndex(r.text, -1) {
		body := r.text[m[1]:r.blockEnd(m[1])]
		e := Enum{Class: r.group(m, 1), Line: r.lineAt(m[2])}
		for line := range bytes.Lines(body) {
			if t := first(prismaTable, string(bytes.TrimSpace(line))); t != "" {
				e.Class = t
			}
		}
		for _, l := range prismaLabel.FindAllSubmatchIndex(body, -1) {
			text := ""
			if l[4] >= 0 {
				text = string(body[l[4]:l[5]])
			}
			e.Labels = append(e.Labels, r.label(string(body[l[2]:l[3]]), text, m[1]+l[2]))
		}
		r.class(e)
	}
}
