package report

import (
	"bufio"
	"fmt"
	"io"

	"github.com/onward-sql/onward/onward"
)

// GCC prints a line for each finding, as compilers do: "path:3:1: error: … [index-create-blocking]". Editors and
// reviewdog jump to it. What a finding rests on, and what to do instead, are lines of the kind "note".
// https://gcc.gnu.org/onlinedocs/gcc/Diagnostic-Message-Formatting-Options.html
func GCC(w io.Writer, r *onward.Report) error {
	b := bufio.NewWriter(w)
	for _, a := range annotations(r) {
		at := place(Line(a.path), max(1, a.line), max(1, a.column))
		text := Line(a.message)
		if a.finding != nil {
			text = Line(a.head) + "; " + Line(a.finding.Harm)
		}
		say := func(where, level, text string) { fmt.Fprintln(b, Tame(where+": "+level+": "+text)) }
		say(at, a.level("note"), text+" ["+a.id()+"]")
		if a.finding == nil {
			continue
		}
		for _, e := range a.finding.Evidence {
			if e.Path == "" || e.Revision != "" { // a place of another revision is none of the files that are there
				say(at, "note", evidence(&e))
				continue
			}
			say(place(Line(e.Path), max(1, e.Line), 1), "note", Line(e.Text))
		}
		if a.finding.Instead != "" {
			say(at, "note", "instead: "+Line(a.finding.Instead))
		}
	}
	return b.Flush()
}
