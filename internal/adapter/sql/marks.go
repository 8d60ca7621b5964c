package sql

import (
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// marks are what is known of a tool whose files have both ways in one file. Its
// patterns are for single lines.
type marks struct {
	up, down *regexp.Regexp // a line that begins the way; nil: the file does
	// words are what every mark has, one or the other.
	words []string
	// mode is how it sends a file; none is how it does when off matches.
	mode, none onward.Transaction
	off        *regexp.Regexp
	// offDown is off for the down migration, from its marker on; offFile: off holds
	// for both ways.
	offDown *regexp.Regexp
	offFile bool
	// cuts: statements are sent one by one; otherwise a part is a message. cutsAlone:
	// so they are outside a transaction.
	cuts, cutsAlone bool
}

func re(s string) *regexp.Regexp { return regexp.MustCompile(`(?im)` + s) }

// line is a comment line of a file that may be a marker, without its line break.
type line struct {
	text string
	at   int // its offset
}

// matches reports whether a pattern, if there is one, is for one of the lines.
func matches(pattern *regexp.Regexp, lines []line) bool {
	return pattern != nil && slices.ContainsFunc(lines, func(l line) bool { return pattern.MatchString(l.text) })
}

// hints are the words of all marks: those with a letter that few comments have, and
// the others.
var hints = func() (out struct{ lettered, plain []string }) {
	for _, r := range tools {
		if r.marks == nil {
			continue
		}
		for _, w := range r.marks.words {
			if strings.ContainsAny(w, letters) {
				out.lettered = append(out.lettered, w)
			} else {
				out.plain = append(out.plain, w)
			}
		}
	}
	return out
}()

const letters = ":+!@"

// hintedLines are the comment lines of a text with a hint in them.
func hintedLines(text string) []line {
	var out []line
	for at := 0; at < len(text); {
		end := len(text)
		if n := strings.IndexByte(text[at:], '\n'); n >= 0 {
			end = at + n
		}
		l := text[at:end]
		if (strings.HasPrefix(l, "--") || strings.HasPrefix(l, "#")) && hinted(l) {
			out = append(out, line{l, at})
		}
		at = end + 1
	}
	return out
}

// hinted reports whether a line has a hint in it.
func hinted(line string) bool {
	has := func(h string) bool { return strings.Contains(line, h) }
	return strings.ContainsAny(line, letters) && slices.ContainsFunc(hints.lettered, has) || slices.ContainsFunc(hints.plain, has)
}

// markedBy tells a file's tool by its marks, given the lines that may be some; nil for
// none.
func markedBy(lines []line) *runner {
	if len(lines) == 0 {
		return nil
	}
	for _, r := range tools {
		if r.marks != nil && (matches(r.marks.up, lines) || matches(r.marks.down, lines)) {
			return r
		}
	}
	return nil
}

// apply sends a file as its marks say.
func (t *marks) apply(f *file) {
	f.regions, _ = t.ways(f.lines, len(f.text))
	f.mode = t.mode
	if matches(t.off, f.lines) {
		f.mode = t.none
		f.m.Runner.Rerun = true
	}
	f.whole = t.whole(f.mode)
}

// whole reports whether a part is sent as one message.
func (t *marks) whole(mode onward.Transaction) bool {
	return !t.cuts && (!t.cutsAlone || mode == onward.TransactionFile)
}

// ways lists the stretches of a file of a size that are the up migration, and those
// that are the down migration.
func (t *marks) ways(lines []line, size int) (ups, downs [][2]int) {
	up, at, marked := true, 0, false
	end := func(to int) {
		switch {
		case to <= at:
		case up:
			ups = append(ups, [2]int{at, to})
		default:
			downs = append(downs, [2]int{at, to})
		}
	}
	for _, l := range lines {
		switch {
		case t.up != nil && (!up || !marked) && t.up.MatchString(l.text):
			if !up {
				end(l.at)
			} // What stands before the first marker is run by none of the tools.
			up = true
		case up && t.down.MatchString(l.text):
			end(l.at)
			up = false
		default:
			continue
		}
		at, marked = l.at+len(l.text), true
		if !up && t.up == nil {
			break
		}
	}
	end(size)
	return ups, downs
}
