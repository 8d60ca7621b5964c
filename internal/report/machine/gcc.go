package machine

import (
	"bufio"
	"fmt"
	"io"

	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// WriteGCC prints a line for each finding, as compilers do: "path:3:1: error: … [index-create-blocking]". Editors and
// reviewdog jump to it. The evidence and the fix are lines of the kind "note".
// https://gcc.gnu.org/onlinedocs/gcc/Diagnostic-Message-Formatting-Options.html
func WriteGCC(w io.Writer, r *onward.Report) error {
	b := bufio.NewWriter(w)
	for _, a := range listAnnotations(r) {
		place := view.FormatPlace(escape.Line(a.path), max(1, a.line), max(1, a.column))
		text := escape.Line(a.message)
		if a.finding != nil {
			text = escape.Line(a.head) + "; " + escape.Line(a.finding.Harm)
		}
		say := func(location, level, text string) { fmt.Fprintln(b, escape.Commands(location+": "+level+": "+text)) }
		say(place, a.forgeLevel("note"), text+" ["+a.ruleOrKind()+"]")
		if a.finding == nil {
			continue
		}
		for _, e := range a.finding.Evidence {
			if e.Path == "" || e.Revision != "" { // a place in another revision is not in the current files
				say(place, "note", view.FormatEvidence(&e))
				continue
			}
			say(view.FormatPlace(escape.Line(e.Path), max(1, e.Line), 1), "note", escape.Line(e.Text))
		}
		if a.finding.Instead != "" {
			say(place, "note", "instead: "+escape.Line(a.finding.Instead))
		}
	}
	return b.Flush()
}
