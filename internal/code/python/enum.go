package python

import (
	"bytes"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

var (
	pyEnum  = lazyregexp.New(`^class\s+(\w+)\([^)\n]*(?:Enum|Choices)\b[^)\n]*\):[^\n]*\n`)
	pyLabel = lazyregexp.New(`^\s+(\w+)\s*=\s*(?:\(\s*)?(?:["']([^"'\n]*)["']|(?:enum\.)?auto\(\))`)
	pyNamed = lazyregexp.New(`^(?i:enum)\(((?:\s*["'][^"'\n]*["']\s*,)+)[^()]*\bname\s*=\s*["'](\w+)["']`)
)

// readPythonEnums reads Enum, StrEnum and Django's TextChoices, and SQLAlchemy's enums.
func readPythonEnums(r *source.File) {
	r.EachMatch("class ", pyEnum, func(offset int, m []int) {
		e := facts.Enum{Class: r.GroupText(m, 1), Line: r.LineAt(offset)}
		outer := offset - 1 - bytes.LastIndexByte(r.Text[:offset], '\n')
		for offset := m[1]; offset < len(r.Text); {
			line := r.Text[offset : offset+lexer.LineEnd(r.Text[offset:])]
			body := bytes.TrimLeft(line, " \t")
			if len(body) > 0 && len(line)-len(body) <= outer {
				break
			}
			if l := pyLabel.FindSubmatch(line); l != nil {
				e.Labels = append(e.Labels, r.MakeLabel(string(l[1]), string(l[2]), offset))
			}
			offset += len(line) + 1
		}
		r.AddEnum(e)
	})
	readEnumCall := func(offset int, m []int) {
		e := facts.Enum{Class: r.GroupText(m, 2), Line: r.LineAt(offset)}
		r.AddTexts(&e, m[2], m[3])
		r.AddEnum(e)
	}
	r.EachMatch("Enum(", pyNamed, readEnumCall)
	r.EachMatch("ENUM(", pyNamed, readEnumCall)
}
