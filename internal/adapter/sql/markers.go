package sql

import (
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// tool is what is known of a tool whose files have both ways in one file. Its
// patterns are for single lines.
type tool struct {
	up, down *regexp.Regexp // a line that begins the way; nil: the file does
	// mode is how it sends a file; none is how it does when off matches.
	mode, none onward.Transaction
	off        *regexp.Regexp
	// offDown is off for the way down, from its marker on; offFile: off holds
	// for both ways.
	offDown *regexp.Regexp
	offFile bool
	// cuts: statements are sent one by one; otherwise a part is a message.
	cuts bool
	// lines: it cuts at the ends of lines (sqlmigrate.go).
	lines bool
}

// ternAlone is the line with which tern opens no transaction.
var ternAlone = re(`^---- tern: disable-tx ----\r?$`)

// tools by their markers. sql-migrate and tern were read in their sources
// (v1.8.1, v2.3.4); the others follow their manuals.
var tools = []tool{
	{ // dbmate: the whole way up in one message
		up: re(`^--\s*migrate:up\b.*$`), down: re(`^--\s*migrate:down\b.*$`),
		mode: onward.TransactionFile, none: onward.TransactionMessage, off: dbmateAlone, offDown: dbmateBack,
	},
	{ // sql-migrate
		up: re(`^--\s*\+migrate\s+Up\b.*$`), down: re(`^--\s*\+migrate\s+Down\b.*$`),
		mode: onward.TransactionFile, none: onward.TransactionNone, off: re(`^--\s*\+migrate\s+Up\b.*\bnotransaction\b`), cuts: true, lines: true,
		offDown: re(`^--\s*\+migrate\s+Down\b.*\bnotransaction\b`),
	},
	{ // tern: one message in a transaction; without one, statement by statement
		down: re(`^---- create above / drop below ----\r?$`),
		mode: onward.TransactionFile, none: onward.TransactionNone, off: ternAlone, cuts: true,
		offDown: re(`^---- tern: disable-tx ----\r?$`),
	},
	{ // goose, in a directory that was said to be plain SQL
		up: re(`^--\s*\+goose\s+Up\b.*$`), down: re(`^--\s*\+goose\s+Down\b.*$`),
		mode: onward.TransactionFile, none: onward.TransactionNone, off: re(`^--\s*\+goose\s+NO TRANSACTION\b`), cuts: true, offFile: true,
	},
	{ // node-pg-migrate
		up: re(`^--\s*Up Migration\b.*$`), down: re(`^--\s*Down Migration\b.*$`),
		mode: onward.TransactionFile,
	},
	{up: re(`^--\s*rambler up\b.*$`), down: re(`^--\s*rambler down\b.*$`), mode: onward.TransactionFile},
	{up: re(`^(?:--|#)[\s-]*!Ups\b.*$`), down: re(`^(?:--|#)[\s-]*!Downs\b.*$`), mode: onward.TransactionFile},
	{down: re(`^--\s*//\s*@UNDO\b.*$`), mode: onward.TransactionNone, cuts: true},
}

// hints are what every marker of the tools has, one or the other.
var hints = []string{
	"tern:", "Tern:", "TERN:", "igrate:", "IGRATE:", "+migrate", "+Migrate", "+MIGRATE", "+goose", "+Goose", "+GOOSE", "drop below",
	"p Migration", "n Migration", "p migration", "n migration", "P MIGRATION", "N MIGRATION", "ambler ", "AMBLER ",
	"!Ups", "!Downs", "!ups", "!downs", "!UPS", "!DOWNS", "@UNDO", "@undo", "@Undo",
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

// hinted reports whether a line has a hint in it. Few lines have one of the
// letters that the hints have beside them.
func hinted(line string) bool {
	if strings.IndexByte(line, ':') < 0 && strings.IndexByte(line, '+') < 0 && strings.IndexByte(line, '!') < 0 && strings.IndexByte(line, '@') < 0 &&
		!strings.Contains(line, "igration") && !strings.Contains(line, "IGRATION") && !strings.Contains(line, "ambler ") && !strings.Contains(line, "AMBLER ") &&
		!strings.Contains(line, "drop below") {
		return false
	}
	return slices.ContainsFunc(hints, func(h string) bool { return strings.Contains(line, h) })
}

// toolOf tells a file's tool by its markers; nil for none. The lines are those
// that the tool's patterns are for.
func toolOf(text string) (*tool, []line) {
	lines := hintedLines(text)
	for i := range tools {
		t := &tools[i]
		if matches(t.up, lines) || matches(t.down, lines) {
			return t, lines
		}
	}
	return nil, nil
}

// ways lists the stretches of a file of a size that are the way up, and those
// that are the way down.
func (t *tool) ways(lines []line, size int) (ups, downs [][2]int) {
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
