package ruby

import (
	"bytes"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

var (
	rubyEnum  = lazyregexp.New(`(?m)^\s*enum\s*\(?\s*(?::(\w+)\s*,\s*(?:\{|(?:\w+:))|(\w+):\s*\{)`)
	rubyLabel = lazyregexp.New(`\b(\w+)(?::|"?\s*=>)\s*["']([^"'\n]*)["']`)
)

// readRubyEnums reads the enums of ActiveRecord whose values are texts.
func readRubyEnums(r *source.File) {
	for _, m := range rubyEnum.FindAllSubmatchIndex(r.Text, -1) {
		e := facts.Enum{Class: r.GroupText(m, 1) + r.GroupText(m, 2), Line: r.LineAt(m[0])}
		from := max(m[3], m[5])
		to := from + min(len(r.Text)-from, source.MaxGlue*4)
		if n := bytes.IndexByte(r.Text[from:to], '}'); n >= 0 {
			to = from + n
		}
		for _, l := range rubyLabel.FindAllSubmatchIndex(r.Text[from:to], -1) {
			e.Labels = append(e.Labels, r.MakeLabel(string(r.Text[from+l[2]:from+l[3]]), string(r.Text[from+l[4]:from+l[5]]), from+l[0]))
		}
		r.AddEnum(e)
	}
}
