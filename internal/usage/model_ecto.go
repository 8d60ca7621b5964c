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
