package sql

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// marks describes a tool whose files have both the up and the down migration. Its
// patterns match single lines.
type marks struct {
	up, down *lazyregexp.Regexp // the line that begins each part; nil: the file itself does
	// words: every marker has at least one of these.
	words []string
	// mode is how it sends a file, none how it does if off matches.
	mode, none onward.Transaction
	off        *lazyregexp.Regexp
	// offDown is like off for the down migration, and is searched from its marker on.
	// offFile is set if off holds for both.
	offDown *lazyregexp.Regexp
	offFile bool
	// needsUp is set if a file without the marker of the up migration runs as a whole.
	needsUp bool
	// cuts is set if statements are sent one by one; otherwise a part is one message.
	// cutsAlone is set if that is so outside a transaction.
	cuts, cutsAlone bool
}

func compilePattern(s string) *lazyregexp.Regexp { return lazyregexp.New(`(?im)` + s) }

// line is a comment line of a file, without its line break, that may be a marker.
type line struct {
	text string
	at   int // its offset
}

// matchesLine reports whether a pattern, if there is one, matches one of the lines.
func matchesLine(pattern *lazyregexp.Regexp, lines []line) bool {
	return pattern != nil && slices.ContainsFunc(lines, func(l line) bool { return pattern.MatchString(l.text) })
}

// hints are the words of all markers: those with a letter that few comments have, and the
// others.
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

// findHintedLines returns the comment lines of a text that have a hint.
func findHintedLines(text string) []line {
	var out []line
	for pos := 0; pos < len(text); {
		end := len(text)
		if n := strings.IndexByte(text[pos:], '\n'); n >= 0 {
			end = pos + n
		}
		l := text[pos:end]
		if first := strings.TrimLeft(l, " \t"); (strings.HasPrefix(first, "--") || strings.HasPrefix(first, "#")) && hasHint(l) {
			out = append(out, line{l, pos})
		}
		pos = end + 1
	}
	return out
}

// hasHint reports whether a line has a hint.
func hasHint(line string) bool {
	inLine := func(h string) bool { return strings.Contains(line, h) }
	return strings.ContainsAny(line, letters) && slices.ContainsFunc(hints.lettered, inLine) || slices.ContainsFunc(hints.plain, inLine)
}

// toolByMarkers returns the tool whose markers a file has, given the lines that may be
// markers; nil for none.
func toolByMarkers(lines []line) *runner {
	if len(lines) == 0 {
		return nil
	}
	for _, r := range tools {
		if r.marks != nil && (matchesLine(r.marks.up, lines) || matchesLine(r.marks.down, lines)) {
			return r
		}
	}
	return nil
}

// applyMarkers sets how a file is sent, by its markers.
func (t *marks) applyMarkers(f *file) {
	if !t.needsUp || matchesLine(t.up, f.lines) {
		f.regions, _ = t.splitUpAndDown(f.lines, len(f.text))
	}
	f.mode = t.mode
	lines := f.lines
	if first := slices.IndexFunc(lines, func(l line) bool { return t.down.MatchString(l.text) }); first >= 0 && t.off == t.offDown {
		lines = lines[:first] // each part has a marker of its own
	}
	if matchesLine(t.off, lines) {
		f.mode = t.none
		f.m.Runner.Rerun = true
	}
	f.whole = t.isOneMessage(f.mode)
}

// isOneMessage reports whether a part is sent as one message.
func (t *marks) isOneMessage(mode onward.Transaction) bool {
	return !t.cuts && (!t.cutsAlone || mode == onward.TransactionFile)
}

// splitUpAndDown returns the ranges of a file that are the up migration, and those that are the
// down migration. size is the file's size.
func (t *marks) splitUpAndDown(lines []line, size int) (ups, downs [][2]int) {
	up, start, marked := true, 0, false
	end := func(to int) {
		switch {
		case to <= start:
		case up:
			ups = append(ups, [2]int{start, to})
		default:
			downs = append(downs, [2]int{start, to})
		}
	}
	for _, l := range lines {
		switch {
		case t.up != nil && (!up || !marked) && t.up.MatchString(l.text):
			if !up {
				end(l.at)
			} // No tool runs the text before the first marker.
			up = true
		case up && t.down.MatchString(l.text):
			end(l.at)
			up = false
		default:
			continue
		}
		start, marked = l.at+len(l.text), true
		if !up && t.up == nil {
			break
		}
	}
	end(size)
	return ups, downs
}
