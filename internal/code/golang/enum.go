package golang

import (
	"bytes"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

var goConst = lazyregexp.New(`^(?:const)?[ \t]+(\w+)[ \t]+(\w+)[ \t]*=[ \t]*"([^"\n]*)"[ \t]*(?://.*)?$`)

// readGoEnums reads constants of one type: const Paid Status = "paid".
func readGoEnums(r *source.File) {
	if !bytes.Contains(r.Text, []byte("const")) {
		return
	}
	indexByClass := map[string]int{}
	var list []facts.Enum
	for offset := 0; ; {
		n := bytes.Index(r.Text[offset:], []byte(`= "`))
		if n < 0 {
			break
		}
		from := bytes.LastIndexByte(r.Text[:offset+n], '\n') + 1
		offset += n + lexer.LineEnd(r.Text[offset+n:])
		m := goConst.FindSubmatch(r.Text[from:offset])
		if m == nil || string(m[2]) == "string" {
			continue
		}
		class := string(m[2])
		i, known := indexByClass[class]
		if !known {
			i = len(list)
			indexByClass[class], list = i, append(list, facts.Enum{Class: class, Line: r.LineAt(from)})
		}
		list[i].Labels = append(list[i].Labels, r.MakeLabel(string(m[1]), string(m[3]), from))
	}
	for _, e := range list {
		r.AddEnum(e)
	}
}
