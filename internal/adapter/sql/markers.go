package sql

import (
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// tool is what is known of a tool whose files have both ways in one file.
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
}

// tools by their markers. sql-migrate and tern were read in their sources
// (v1.8.1, v2.3.4); the others follow their manuals.
var tools = []tool{
	{ // dbmate: the whole way up in one message
		up: re(`^--\s*migrate:up\b.*$`), down: re(`^--\s*migrate:down\b.*$`),
		mode: onward.TransactionFile, none: onward.TransactionMessage, off: re(`^--\s*migrate:up\b.*\btransaction:\s*false\b`),
		offDown: re(`^--\s*migrate:down\b.*\btransaction:\s*false\b`),
	},
	{ // sql-migrate
		up: re(`^--\s*\+migrate\s+Up\b.*$`), down: re(`^--\s*\+migrate\s+Down\b.*$`),
		mode: onward.TransactionFile, none: onward.TransactionNone, off: re(`^--\s*\+migrate\s+Up\b.*\bnotransaction\b`), cuts: true,
		offDown: re(`^--\s*\+migrate\s+Down\b.*\bnotransaction\b`),
	},
	{ // tern: one message in a transaction; without one, statement by statement
		down: re(`^---- create above / drop below ----\r?$`),
		mode: onward.TransactionFile, none: onward.TransactionNone, off: re(`^---- tern: disable-tx ----\r?$`), cuts: true,
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
	"igrate:", "IGRATE:", "+migrate", "+Migrate", "+MIGRATE", "+goose", "+Goose", "+GOOSE", "drop below",
	"p Migration", "n Migration", "p migration", "n migration", "P MIGRATION", "N MIGRATION", "ambler ", "AMBLER ",
	"!Ups", "!Downs", "!ups", "!downs", "!UPS", "!DOWNS", "@UNDO", "@undo", "@Undo",
}

func re(s string) *regexp.Regexp { return regexp.MustCompile(`(?im)` + s) }

// What Flyway runs without a transaction when it finds it in a file.
var flywayAlone = re(`\bCONCURRENTLY\b|^\s*VACUUM\b|\b(CREATE|DROP)\s+(DATABASE|TABLESPACE|SUBSCRIPTION)\b|\bALTER\s+SYSTEM\b`)

// load gives a migration its parts and mode.
func load(m *adapter.Migration, f *adapter.File, name string, o adapter.Options) {
	if f.Failed != "" {
		return
	}
	mode, cuts := onward.TransactionNone, true
	regions := [][2]int{{0, len(f.Text)}}
	if t, ok := toolOf(f.Text); ok {
		regions = t.forward(f.Text)
		mode, cuts = t.mode, t.cuts
		if t.off != nil && t.off.MatchString(f.Text) {
			mode = t.none
			m.Runner.Rerun = true
		}
	} else {
		switch {
		case (name[0] == 'V' || name[0] == 'R') && strings.Contains(name, "__"): // Flyway
			if mode = onward.TransactionFile; flywayAlone.MatchString(f.Text) {
				mode = onward.TransactionNone
			}
		case name == "migration.sql": // Prisma: one message
			mode, cuts = onward.TransactionMessage, false
		case name == "up.sql", strings.HasSuffix(name, ".tx.up.sql"): // Diesel; go-pg and bun
			mode, cuts = onward.TransactionFile, false
		}
	}
	for _, r := range regions {
		if p := adapter.Part(f.Text, r[0], r[1]); p.SQL != "" {
			p.Message = !cuts
			m.Source.Parts = append(m.Source.Parts, p)
		}
	}
	m.Seal(mode, o, "")
}

// marked reports whether a comment line of the text has a hint in it.
func marked(text string) bool {
	for at := 0; at < len(text); {
		end := len(text)
		if n := strings.IndexByte(text[at:], '\n'); n >= 0 {
			end = at + n
		}
		line := text[at:end]
		if (strings.HasPrefix(line, "--") || strings.HasPrefix(line, "#")) && hinted(line) {
			return true
		}
		at = end + 1
	}
	return false
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

func toolOf(text string) (tool, bool) {
	// Plain searches first: the patterns cost more than reading the file.
	if !marked(text) {
		return tool{}, false
	}
	for _, t := range tools {
		if t.up != nil && t.up.MatchString(text) || t.down.MatchString(text) {
			return t, true
		}
	}
	return tool{}, false
}

// forward lists the stretches of a file that are the way up.
func (t tool) forward(text string) [][2]int {
	var out [][2]int
	at := 0
	if t.up != nil {
		// What stands before the first marker is run by none of the tools.
		if up, down := t.up.FindStringIndex(text), t.down.FindStringIndex(text); up != nil && (down == nil || up[0] < down[0]) {
			at = up[1]
		}
	}
	for at < len(text) {
		// The next way down, and the way up behind it.
		down := t.down.FindStringIndex(text[at:])
		if down == nil {
			return append(out, [2]int{at, len(text)})
		}
		if down[0] > 0 {
			out = append(out, [2]int{at, at + down[0]})
		}
		at += down[1]
		if t.up == nil {
			break
		}
		up := t.up.FindStringIndex(text[at:])
		if up == nil {
			break
		}
		at += up[1]
	}
	return out
}
