// Command picture makes a picture (SVG) of a command's output on a terminal. Its input is
// text with escape sequences for colour and weight. The picture is light or dark, like
// the reader's screen. scripts/picture.sh makes the README's picture with it, from real
// output.
package main

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"os"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

const (
	charWidth  = 8.4
	lineHeight = 19
	margin     = 18
)

func main() {
	if err := drawScreen(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
}

var escape = lazyregexp.New("\x1b\\[([0-9;]*)m")

func drawScreen(in io.Reader, w io.Writer) error {
	text, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	columns := 0
	for _, l := range lines {
		columns = max(columns, ansi.StringWidth(l))
	}
	width := int(float64(columns)*charWidth) + 2*margin
	height := len(lines)*lineHeight + 2*margin
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">
<style>
svg{--bg:#fff;--fg:#1f2328;--dim:#59636e;--red:#c62828;--yellow:#8a5a00;--green:#1a7f37;--blue:#0550ae}
@media(prefers-color-scheme:dark){svg{--bg:#0d1117;--fg:#e6edf3;--dim:#9198a1;--red:#ff7b72;--yellow:#e3b341;--green:#56d364;--blue:#79c0ff}}
rect{fill:var(--bg)}text{fill:var(--fg);font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre}
.b{font-weight:600}.d{fill:var(--dim)}.r{fill:var(--red)}.y{fill:var(--yellow)}.g{fill:var(--green)}.u{fill:var(--blue)}
</style>
<rect width="%d" height="%d" rx="8"/>
`, width, height, width, height, width, height)
	for i, l := range lines {
		fmt.Fprintf(out, `<text x="%d" y="%d" xml:space="preserve">%s</text>`+"\n", margin, margin+14+i*lineHeight, styleSpans(l))
	}
	fmt.Fprintln(out, "</svg>")
	return out.Flush()
}

// styleSpans converts the escape sequences of a line to classes.
func styleSpans(line string) string {
	var b strings.Builder
	classes := map[string]bool{}
	offset := 0
	emit := func(text string) {
		if text == "" {
			return
		}
		var names []string
		for _, n := range []string{"b", "d", "r", "y", "g", "u"} {
			if classes[n] {
				names = append(names, n)
			}
		}
		if len(names) == 0 {
			b.WriteString(html.EscapeString(text))
			return
		}
		fmt.Fprintf(&b, `<tspan class="%s">%s</tspan>`, strings.Join(names, " "), html.EscapeString(text))
	}
	for _, m := range escape.FindAllStringSubmatchIndex(line, -1) {
		emit(line[offset:m[0]])
		offset = m[1]
		for _, code := range strings.Split(line[m[2]:m[3]], ";") {
			switch code {
			case "", "0":
				clear(classes)
			case "1":
				classes["b"] = true
			case "2", "90":
				classes["d"] = true
			case "31", "91":
				classes["r"] = true
			case "33", "93":
				classes["y"] = true
			case "32", "92":
				classes["g"] = true
			case "34", "36", "94", "96":
				classes["u"] = true
			}
		}
	}
	emit(line[offset:])
	return b.String()
}
