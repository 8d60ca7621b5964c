package goose

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/script"
)

// parsedFile is the up migration of a file.
type parsedFile struct {
	parts    []script.Part
	useTx    bool
	problems []history.Refusal
	envsub   []int // lines with variables that goose fills in
}

// state is the position of goose's parser in a file.
type state int

const (
	start state = iota // before any annotation
	up
	upBlock // between StatementBegin and StatementEnd
	upEmpty // after a StatementEnd that had nothing before it
	down
	downBlock
)

type parser struct {
	text   string
	out    parsedFile
	state  state
	pieces []adapter.Piece
	open   int // start of the statement that is being collected; -1: none
	last   int // end of its last line
	line   int // the current line, from 1
	begin  int // the line of the StatementBegin that is open
	// The down migration is followed only to find a place at which goose refuses the file.
	below  int  // the line of its statement that is open; 0: none
	filled bool // lines of that statement were read, perhaps blank ones
	lost   bool // the next line is dropped, as after an empty block
	seenUp bool
	env    bool // ENVSUB ON: goose fills in environment variables
}

// maxLine is the size of goose's buffer: a line of that size is too long for it.
const maxLine = 4 << 20

var variable = lazyregexp.New(`\$\{?[A-Za-z_]`)

// parseFile follows goose's parser. Lines that begin with "--" and contain "+goose" are
// annotations. If goose gives up, parseFile reports it and continues as the author seems to
// have meant the file.
func parseFile(text string) *parsedFile {
	p := cutFile(text)
	p.joinPieces()
	return &p.out
}

// cutFile cuts a file at the places where goose does.
func cutFile(text string) *parser {
	p := &parser{text: text, open: -1, out: parsedFile{useTx: true}}
	pos := 0
	if strings.HasPrefix(text, "\ufeff") {
		pos = len("\ufeff") // reported elsewhere
	}
	for pos < len(text) {
		p.line++
		end, next := len(text), len(text)
		if n := strings.IndexByte(text[pos:], '\n'); n >= 0 {
			end, next = pos+n, pos+n+1
		}
		if next-pos > maxLine {
			p.refuseFile("a line has more than 4 MB", "goose gives up: \"bufio.Scanner: token too long\"", "break the line, or load the data in another way")
		}
		if end > pos && text[end-1] == '\r' {
			end--
		}
		p.readLine(pos, end)
		pos = next
	}
	p.finishFile()
	return p
}

// refuseFile reports that goose does not accept the file.
func (p *parser) refuseFile(message, harm, instead string) {
	p.refuseLine(p.line, message, harm, instead)
}

func (p *parser) refuseLine(line int, message, harm, instead string) {
	p.out.problems = append(p.out.problems, history.Refusal{
		Line: line, Column: 1, Message: message, Harm: harm, Instead: instead,
	})
}

// readLine consumes the line text[begin:end].
func (p *parser) readLine(begin, end int) {
	line := p.text[begin:end]
	trimmed := strings.TrimSpace(line)
	if p.state == start && trimmed == "" {
		return
	}
	comment := strings.HasPrefix(trimmed, "--")
	if comment && strings.Contains(line, "+goose") {
		p.applyAnnotation(line, begin)
		return
	}
	if comment && p.state != down && p.state != downBlock {
		p.reportUnmarkedAnnotation(trimmed)
	}
	if p.open < 0 && (comment || line == "") && !p.filled {
		return
	}
	switch p.state {
	case start:
		if !p.seenUp {
			p.refuseFile("SQL comes before the annotation \"-- +goose Up\"",
				"goose refuses the file, and the run stops at it", "begin the file with the line \"-- +goose Up\"")
			p.seenUp = true // reported once; an Up further down is not a second one
		}
		p.addLine(begin, end)
		p.endAtLine(line)
	case up:
		p.addLine(begin, end)
		p.endAtLine(line)
	case upBlock:
		p.addLine(begin, end)
	case upEmpty:
		if p.state = up; trimmed == "" {
			return
		}
		p.refuseFile("this line follows an empty StatementBegin/StatementEnd pair",
			"goose drops the line without a word", "remove the empty pair")
	case down:
		// goose parses the down migration too, before it runs the up migration.
		if p.lost {
			p.lost = false
			return
		}
		if p.filled = true; p.below == 0 && trimmed != "" {
			p.below = p.line
		}
		if adapter.EndsStatement(line) {
			p.below, p.filled = 0, false
		}
	case downBlock:
		p.filled = true
	}
}

// unmarkedLine matches an annotation that goose reads as a plain comment.
var unmarkedLine = lazyregexp.New(`(?i)^--+\s*\+?\s*(?:goose|migrate)\s*:?\s*(up|down|statement\s*begin|statement\s*end|no\s+transaction)\s*$`)

// reportUnmarkedAnnotation reports an annotation without the word "+goose", which has no effect.
func (p *parser) reportUnmarkedAnnotation(comment string) {
	m := unmarkedLine.FindStringSubmatch(comment)
	if m == nil {
		return
	}
	harm, name := "goose cuts at the end of each line that ends with ';', whatever is around it", ""
	switch strings.ToUpper(strings.Join(strings.Fields(m[1]), "")) {
	case "UP":
		return // without one, the file is refused
	case "DOWN":
		harm, name = "goose runs the following statements as part of the up migration: they undo its changes at once", "Down"
	case "NOTRANSACTION":
		harm, name = "goose runs the file in a transaction", "NO TRANSACTION"
	case "STATEMENTBEGIN":
		name = "StatementBegin"
	case "STATEMENTEND":
		name = "StatementEnd"
	}
	p.refuseFile("\""+comment+"\" is a comment for goose: the word is +goose, with the plus and in lower case", harm, "write -- +goose "+name)
}

// addLine adds a line to the open statement.
func (p *parser) addLine(begin, end int) {
	if p.open < 0 || strings.TrimSpace(p.text[p.open:p.last]) == "" {
		p.open = begin
	}
	p.last = end
	if p.env && strings.Contains(p.text[begin:end], "$$") {
		p.refuseFile("with ENVSUB, goose makes one $ of $$", "the server answers with a syntax error, and the run stops", "quote the body with a tag: $body$")
	}
	if p.env && variable.MatchString(p.text[begin:end]) {
		p.out.envsub = append(p.out.envsub, p.line)
	}
}

// endAtLine ends the statement when the line does.
func (p *parser) endAtLine(line string) {
	if adapter.EndsStatement(line) {
		p.pieces = append(p.pieces, adapter.Piece{Start: p.open, End: p.last})
		p.open = -1
	}
}

// readAnnotation reads an annotation as goose does; problem says why goose refuses it.
func readAnnotation(line string) (name, problem string) {
	rest := strings.Replace(strings.ReplaceAll(line, "--", ""), "+goose", "", 1)
	name = strings.ToUpper(strings.TrimSpace(rest))
	switch name {
	case "UP", "DOWN", "STATEMENTBEGIN", "STATEMENTEND", "NO TRANSACTION", "ENVSUB ON", "ENVSUB OFF":
	case "":
		return "", "the annotation is empty"
	default:
		return "", "goose knows no annotation \"" + strings.TrimSpace(rest) + "\""
	}
	if line[0] == ' ' || line[0] == '\t' {
		return name, "white space comes before the annotation"
	}
	return name, ""
}

func (p *parser) applyAnnotation(line string, offset int) {
	name, problem := readAnnotation(line)
	if problem != "" {
		p.refuseFile(problem, "goose refuses the file, and the run stops at it",
			"write Up, Down, StatementBegin, StatementEnd, NO TRANSACTION, ENVSUB ON or ENVSUB OFF after \"-- +goose\", at the beginning of the line")
	}
	switch name {
	case "UP":
		p.beginUp()
	case "DOWN":
		p.beginDown()
	case "STATEMENTBEGIN":
		p.beginBlock()
	case "STATEMENTEND":
		p.endBlock()
	case "NO TRANSACTION":
		p.out.useTx = false
	case "ENVSUB ON":
		p.env = true
	case "ENVSUB OFF":
		p.env = false
	}
}

// beginUp handles "-- +goose Up".
func (p *parser) beginUp() {
	if p.state != start {
		p.refuseFile("a second \"-- +goose Up\"", "goose refuses the file, and the run stops at it",
			"keep one Up and one Down in a file")
	}
	p.closeStatement()
	p.state, p.seenUp, p.below, p.filled, p.lost = up, true, 0, false, false
}

// beginDown handles "-- +goose Down".
func (p *parser) beginDown() {
	switch p.state {
	case up, upEmpty:
		p.closeStatement()
	case upBlock:
		p.reportUnendedBlock()
		p.closeStatement()
	default:
		problem := "\"-- +goose Down\" comes before any \"-- +goose Up\""
		if p.state != start {
			problem = "a second \"-- +goose Down\""
		}
		p.refuseFile(problem, "goose refuses the file, and the run stops at it", "keep one Up, and after it one Down, in a file")
		p.closeStatement()
	}
	p.state = down
}

// beginBlock handles "-- +goose StatementBegin".
func (p *parser) beginBlock() {
	switch p.state {
	case start:
		p.refuseFile("StatementBegin comes before any \"-- +goose Up\"", "goose refuses the file, and the run stops at it",
			"begin the file with the line \"-- +goose Up\"")
		p.state, p.seenUp = upBlock, true
	case up, upEmpty:
		// An open statement continues inside the block, as in goose.
		p.state = upBlock
	case down:
		p.state, p.lost = downBlock, false
	default:
		p.refuseFile("StatementBegin inside StatementBegin", "goose refuses the file, and the run stops at it",
			"end the first with \"-- +goose StatementEnd\"")
	}
	p.begin = p.line
}

// endBlock handles "-- +goose StatementEnd".
func (p *parser) endBlock() {
	switch p.state {
	case upBlock:
		if p.state = up; p.open < 0 {
			p.state = upEmpty
		} else {
			p.pieces = append(p.pieces, adapter.Piece{Start: p.open, End: p.last, Block: true})
			p.open = -1
		}
	case downBlock:
		p.state, p.below, p.lost, p.filled = down, 0, !p.filled, false
	default:
		p.refuseFile("StatementEnd without StatementBegin", "goose refuses the file, and the run stops at it",
			"begin the statement with \"-- +goose StatementBegin\"")
	}
}

func (p *parser) reportUnendedBlock() {
	p.refuseLine(p.begin, "StatementBegin has no StatementEnd", "goose refuses the file, and the run stops at it",
		"end the statement with \"-- +goose StatementEnd\"")
}

// closeStatement handles a statement without an end.
func (p *parser) closeStatement() {
	if p.open < 0 {
		return
	}
	part := adapter.TrimmedPart(p.text, p.open, p.last)
	if part.SQL != "" && p.state != upBlock {
		p.refuseLine(strings.Count(p.text[:part.Start], "\n")+1,
			"the statement has no ';' at the end of a line", "goose refuses the file (\"missing semicolon?\"), and the run stops at it",
			"end the statement with ';', and nothing but a comment after it")
	}
	if part.SQL != "" {
		p.pieces = append(p.pieces, adapter.Piece{Start: p.open, End: p.last, Block: p.state == upBlock})
	}
	p.open = -1
}

func (p *parser) finishFile() {
	switch {
	case p.state == upBlock || p.state == downBlock:
		p.reportUnendedBlock()
	case p.state == start && !p.seenUp:
		p.refuseLine(1, "the file has no annotation \"-- +goose Up\"",
			"goose refuses the file, and the run stops at it", "begin the file with the line \"-- +goose Up\"")
	case p.below > 0 && p.state == down:
		p.refuseLine(p.below, "the statement of the down migration has no ';' at the end of a line",
			"goose's Provider reads both migrations before it runs one, and refuses the file; the command line fails in the down migration",
			"end the statement with ';', and nothing but a comment after it")
	}
	p.closeStatement()
}

// joinPieces converts the pieces to parts, and reports cuts inside a body or a string.
func (p *parser) joinPieces() {
	p.out.parts = adapter.JoinPieces(p.text, p.pieces, func(begin, line int, inside string) {
		p.refuseLine(begin, fmt.Sprintf("goose ends the statement at the ';' of line %d, inside %s", line, inside),
			"it sends half a statement, the server answers with a syntax error, and the run stops",
			"put \"-- +goose StatementBegin\" before the statement and \"-- +goose StatementEnd\" after it")
	})
}
