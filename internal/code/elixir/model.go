package elixir

import (
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Ecto's schemas.
var (
	exSchema = lazyregexp.New(`^schema\(?\s*"([\w.]+)"`)
	exPrefix = lazyregexp.New(`^@schema_prefix\s+"(\w+)"`)
	exField  = lazyregexp.New(`^field\(?\s*:(\w+)`)
	exSource = lazyregexp.New(`\bsource:\s*:(\w+)`)
	exVirt   = lazyregexp.New(`\bvirtual:\s*true`)
	exOwner  = lazyregexp.New(`^belongs_to\(?\s*:(\w+)`)
	exKey    = lazyregexp.New(`\bforeign_key:\s*:(\w+)`)
	exTimes  = lazyregexp.New(`^timestamps\b`)
	exPlain  = lazyregexp.New(`\bdefine_field:\s*false`)
)

func readEctoModels(r *source.File) {
	var in *facts.Model
	prefix, began := "", 0
	r.EachLine(func(n, indent int, line string) {
		if p := source.FirstGroup(exPrefix, line); p != "" {
			prefix = p
		}
		if t := source.FirstGroup(exSchema, line); t != "" {
			in, began = &facts.Model{Table: t, Schema: prefix, Line: n, Fields: []facts.Field{{Field: "id", Column: "id", Line: n}}}, indent
			return
		}
		if in == nil || source.IsComment(line) {
			return
		}
		if line == "end" && indent <= began {
			r.AddModel(in)
			in = nil
			return
		}
		add := func(name string) {
			if source := source.FirstGroup(exSource, line); source != "" {
				name = source
			}
			in.Fields = append(in.Fields, facts.Field{Field: name, Column: name, Line: n})
		}
		switch f, owner := source.FirstGroup(exField, line), source.FirstGroup(exOwner, line); {
		case f != "" && !exVirt.MatchString(line):
			add(f)
		case owner != "" && !exPlain.MatchString(line):
			if key := source.FirstGroup(exKey, line); key != "" {
				add(key)
			} else {
				add(owner + "_id")
			}
		case exTimes.MatchString(line):
			add("inserted_at")
			add("updated_at")
		}
	})
}
