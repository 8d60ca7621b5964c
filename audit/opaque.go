package audit

import (
	"strings"

	"github.com/onward-sql/onward/onward"
)

// describesOpaque reports whether a finding explains a part that the report also lists as not judged: both have the
// same file and line, and the finding's fact begins with the program that the part names.
func describesOpaque(f *onward.Finding, o *onward.Opaque) bool {
	_, program, ok := strings.Cut(o.What, " ")
	return ok && !o.Failed && f.Path == o.Path && f.Line == o.Line && strings.HasPrefix(f.Fact, program+" ")
}

func (j *judge) addOpaque(o onward.Opaque) { j.report.Opaque = append(j.report.Opaque, o) }

// acceptOpaque takes the mark of a failure off the places that the configuration accepts.
func (j *judge) acceptOpaque() {
	for i := range j.report.Opaque {
		if o := &j.report.Opaque[i]; o.Failed && j.settings.Accepts(o.Path) {
			o.Failed = false
		}
	}
}

// shortenSQL returns the beginning of a statement for a message.
func shortenSQL(sql string) string {
	s := strings.Join(strings.Fields(sql), " ")
	if r := []rune(s); len(r) > 80 {
		return string(r[:79]) + "…"
	}
	return s
}
