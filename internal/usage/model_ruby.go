package usage

import (
	"regexp"
	"strings"
)

// Ruby: ActiveRecord and Sequel ask the database for the columns of a table, and name
// each of them.
var (
	rbClass   = regexp.MustCompile(`^class\s+([\w:]+)\s*<\s*(?:::)?(?:ApplicationRecord\b|ActiveRecord::Base\b|\w+Record\b|Sequel::Model(?:\(\s*:?["']?(\w+)["']?\))?)`)
	rbTable   = regexp.MustCompile(`\bself\.table_name\s*=\s*["':]([\w.]+)|^set_dataset\s+:(\w+)`)
	rbIgnored = regexp.MustCompile(`\bignored_columns\s*(?:\+|\|\|)?=|\bignore_columns?\b`)
	rbName    = regexp.MustCompile(`\w+`)
	rbEntry   = regexp.MustCompile(`^["':]?\w+["']?,?\s*(?:#.*)?$`)
	rbAll     = regexp.MustCompile(`\babstract_class\s*=\s*true`)
)

func rubyModels(r *reader) {
	var in *Model
	listing := false
	flush := func() {
		r.addModel(in)
		in = nil
	}
	r.eachLine(func(n, indent int, line string) {
		switch {
		case rbClass.MatchString(line):
			flush()
			m := rbClass.FindStringSubmatch(line)
			class := m[1]
			if i := strings.LastIndexByte(class, ':'); i >= 0 {
				class = class[i+1:]
			}
			in, listing = &Model{Class: class, Table: m[2], Line: n, All: true}, false
		case in == nil || line == "" || strings.HasPrefix(line, "#"):
		case rbAll.MatchString(line):
			in = nil
		case rbTable.MatchString(line):
			in.Table = firstGroup(rbTable, line)
		case rbIgnored.MatchString(line):
			_, list, _ := strings.Cut(line, "=")
			if list == "" {
				_, list, _ = strings.Cut(line, "columns")
			}
			in.addExcluded(list, n)
			listing = strings.ContainsAny(list, "[(") && !strings.ContainsAny(list, "])") || strings.HasSuffix(line, "=")
		case listing:
			if !rbEntry.MatchString(line) {
				listing = false
			}
			in.addExcluded(line, n)
		}
	})
	flush()
}

// addExcluded adds the columns that a list excludes.
func (m *Model) addExcluded(list string, number int) {
	list, _, _ = strings.Cut(list, "#")
	list = strings.TrimPrefix(strings.TrimSpace(list), "%w")
	for _, name := range rbName.FindAllString(list, -1) {
		m.Without = append(m.Without, Place{name, number})
	}
}
