package usage

import "github.com/onward-sql/onward/internal/lazyregexp"

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

func ectoModels(r *reader) {
	var in *Model
	prefix, began := "", 0
	r.eachLine(func(n, indent int, line string) {
		if p := firstGroup(exPrefix, line); p != "" {
			prefix = p
		}
		if t := firstGroup(exSchema, line); t != "" {
			in, began = &Model{Table: t, Schema: prefix, Line: n, Fields: []Field{{Field: "id", Column: "id", Line: n}}}, indent
			return
		}
		if in == nil || isComment(line) {
			return
		}
		if line == "end" && indent <= began {
			r.addModel(in)
			in = nil
			return
		}
		add := func(name string) {
			if source := firstGroup(exSource, line); source != "" {
				name = source
			}
			in.Fields = append(in.Fields, Field{Field: name, Column: name, Line: n})
		}
		switch f, owner := firstGroup(exField, line), firstGroup(exOwner, line); {
		case f != "" && !exVirt.MatchString(line):
			add(f)
		case owner != "" && !exPlain.MatchString(line):
			if key := firstGroup(exKey, line); key != "" {
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
