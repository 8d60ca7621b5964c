package usage

import "regexp"

// Ecto's schemas.
var (
	exSchema = regexp.MustCompile(`^schema\(?\s*"([\w.]+)"`)
	exPrefix = regexp.MustCompile(`^@schema_prefix\s+"(\w+)"`)
	exField  = regexp.MustCompile(`^field\(?\s*:(\w+)`)
	exSource = regexp.MustCompile(`\bsource:\s*:(\w+)`)
	exVirt   = regexp.MustCompile(`\bvirtual:\s*true`)
	exOwner  = regexp.MustCompile(`^belongs_to\(?\s*:(\w+)`)
	exKey    = regexp.MustCompile(`\bforeign_key:\s*:(\w+)`)
	exTimes  = regexp.MustCompile(`^timestamps\b`)
	exPlain  = regexp.MustCompile(`\bdefine_field:\s*false`)
)

func ectoModels(r *reader) {
	var in *Model
	prefix, began := "", 0
	r.lines(func(n, indent int, line string) {
		if p := first(exPrefix, line); p != "" {
			prefix = p
		}
		if t := first(exSchema, line); t != "" {
			in, began = &Model{Table: t, Schema: prefix, Line: n, Fields: []Field{{Field: "id", Column: "id", Line: n}}}, indent
			return
		}
		if in == nil || noted(line) {
			return
		}
		if line == "end" && indent <= began {
			r.add(in)
			in = nil
			return
		}
		add := func(name string) {
			if source := first(exSource, line); source != "" {
				name = source
			}
			in.Fields = append(in.Fields, Field{Field: name, Column: name, Line: n})
		}
		switch f, owner := first(exField, line), first(exOwner, line); {
		case f != "" && !exVirt.MatchString(line):
			add(f)
		case owner != "" && !exPlain.MatchString(line):
			if key := first(exKey, line); key != "" {
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
