package workload

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// entry is an entry of a server's log, with the fields that an import needs.
type entry struct {
	user, database, application, session string
	severity, state, message, query      string
}

// Log is the kind of log to read.
type Log string

// The kinds. Plans reads the plans that auto_explain writes, in any of its formats. The other
// kinds skip plans, because their statements are logged as well.
const (
	CSVLog  Log = "csvlog"
	JSONLog Log = "jsonlog"
	Plans   Log = "auto_explain"
)

// ReadLog reads a server's log: csvlog, jsonlog, or the text that the server writes to standard
// error. It skips other lines, such as the incomplete ones at the ends of a cut log. Parameters
// are never kept. It returns the reader's error, or an error if nothing was a log.
func (im *Import) ReadLog(r io.Reader, format Log) error {
	log := &logReader{im: im, plans: format == Plans, last: map[string]string{}}
	b := bufio.NewReaderSize(r, 1<<16)
	var err error
	switch first := firstNonSpace(b); {
	case first == '{':
		err = log.readJSON(b)
	case format == CSVLog || format == Plans && looksLikeCSV(b):
		err = log.readCSV(b)
	default:
		err = log.readStderr(b)
	}
	if err == nil && log.entries == 0 {
		err = errors.New("it is no log of a server: no entry could be read")
	}
	if log.passed > 0 {
		im.Note("%d lines of logs could not be read and were passed over", log.passed)
	}
	return err
}

func firstNonSpace(b *bufio.Reader) byte {
	head, _ := b.Peek(512)
	if s := strings.TrimSpace(string(head)); s != "" {
		return s[0]
	}
	return 0
}

var csvHead = lazyregexp.New(`^[0-9-]+ [0-9:.]+ \w+,`)

func looksLikeCSV(b *bufio.Reader) bool {
	head, _ := b.Peek(64)
	return csvHead.Match(head)
}

type logReader struct {
	im              *Import
	plans           bool
	entries, passed int
	last            map[string]string // the last statement of each session; its duration may follow
}

// readCSV reads csvlog. (https://www.postgresql.org/docs/current/runtime-config-logging.html)
func (l *logReader) readCSV(b *bufio.Reader) error {
	r := csv.NewReader(b)
	r.FieldsPerRecord, r.LazyQuotes, r.ReuseRecord = -1, true, true
	for {
		row, err := r.Read()
		switch {
		case err == io.EOF:
			return nil
		case err != nil && !isParseError(err):
			return err
		case err != nil || len(row) < 23:
			l.passed++
			continue
		}
		l.addStatement(entry{
			user: row[1], database: row[2], session: row[5], severity: row[11], state: row[12], message: row[13],
			query: row[19], application: row[22],
		})
	}
}

func isParseError(err error) bool {
	var p *csv.ParseError
	return errors.As(err, &p)
}

// readJSON reads jsonlog: one object per line.
func (l *logReader) readJSON(b *bufio.Reader) error {
	for {
		line, err := b.ReadBytes('\n')
		if len(strings.TrimSpace(string(line))) > 0 {
			var e struct {
				User        string `json:"user"`
				Database    string `json:"dbname"`
				Session     string `json:"session_id"`
				Application string `json:"application_name"`
				Severity    string `json:"error_severity"`
				State       string `json:"state_code"`
				Message     string `json:"message"`
				Statement   string `json:"statement"`
			}
			if json.Unmarshal(line, &e) != nil {
				l.passed++
			} else {
				l.addStatement(entry{e.User, e.Database, e.Application, e.Session, e.Severity, e.State, e.Message, e.Statement})
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

var plainHead = lazyregexp.New(`^(.*?)\b(DEBUG\d|INFO|NOTICE|WARNING|ERROR|LOG|FATAL|PANIC|DETAIL|HINT|QUERY|CONTEXT|LOCATION|STATEMENT):  (.*)$`)

// readStderr reads a server's standard error. Continuation lines of an entry begin with a tab.
func (l *logReader) readStderr(b *bufio.Reader) error {
	var e entry
	open := false
	done := func() {
		if open {
			l.addStatement(e)
		}
		open = false
	}
	for {
		line, err := b.ReadString('\n')
		text := strings.TrimRight(line, "\r\n")
		m := plainHead.FindStringSubmatch(text)
		switch {
		case strings.HasPrefix(text, "\t") && open:
			e.message += "\n" + text[1:]
		case strings.HasPrefix(text, "\t"): // part of a skipped entry
		case m != nil && (m[2] == "LOG" || m[2] == "ERROR"):
			done()
			// The process ID only separates sessions and is not kept. The sender is not known
			// here.
			e, open = entry{session: process.FindString(m[1]), severity: m[2], message: m[3]}, true
		case m != nil:
			done()
		case text != "":
			done()
			l.passed++
		}
		if err == io.EOF {
			done()
			return nil
		}
		if err != nil {
			return err
		}
	}
}

var process = lazyregexp.New(`\[\d+\]`)

var (
	statementMessage = lazyregexp.New(`(?s)^statement: (.*)$`)
	executeMessage   = lazyregexp.New(`(?s)^execute ([^:]*): (.*)$`)
	durationMessage  = lazyregexp.New(`(?s)^duration: ([0-9.]+) ms(?:  (.*))?$`)
)

// addStatement adds the statement of a log entry.
func (l *logReader) addStatement(e entry) {
	l.entries++
	s := Seen{Role: e.user, Sender: Sender{Database: e.database, Application: e.application}, Calls: 1}
	if e.severity == "ERROR" {
		if e.query != "" && !l.plans && e.state != "" {
			s.SQL, s.Refused = e.query, e.state
			l.im.Add(s)
		}
		return
	}
	if e.severity != "LOG" {
		return
	}
	message := e.message
	m := durationMessage.FindStringSubmatch(message)
	if m != nil {
		s.MS, _ = strconv.ParseFloat(m[1], 64)
		message = m[2]
		if plan, isPlan := strings.CutPrefix(message, "plan:\n"); isPlan {
			if l.plans {
				l.addPlan(s, plan)
			}
			return
		}
	}
	switch {
	case l.plans:
		return
	case message == "": // the duration of a statement that was logged before it ran
		if s.SQL = l.last[e.session]; s.SQL != "" {
			s.Calls = 0
			l.im.Add(s)
		}
		return
	}
	if sent, hasName, ok := statementInMessage(message); ok {
		s.SQL, s.Named = sent, hasName
		l.last[e.session] = sent
		l.im.Add(s)
	}
}

// statementInMessage returns the statement in a log message, and whether it was prepared under a name.
func statementInMessage(message string) (sql string, hasName, ok bool) {
	if m := statementMessage.FindStringSubmatch(message); m != nil {
		return m[1], false, true
	}
	m := executeMessage.FindStringSubmatch(message)
	if m == nil || strings.HasPrefix(m[1], "fetch from ") {
		return "", false, false
	}
	return m[2], !strings.HasPrefix(m[1], "<unnamed>"), true
}

var (
	actualRows = lazyregexp.New(`rows=(\d+)(?:\.\d+)? loops=1\)`)
	planQuery  = "Query Text: "
)

// addPlan adds the query of an auto_explain plan, in any of its formats.
func (l *logReader) addPlan(s Seen, text string) {
	trimmed := strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(trimmed, "{"):
		var p struct {
			Query string `json:"Query Text"`
			Plan  struct {
				Rows  float64 `json:"Actual Rows"`
				Loops float64 `json:"Actual Loops"`
			} `json:"Plan"`
		}
		if json.Unmarshal([]byte(trimmed), &p) != nil || p.Query == "" {
			l.im.Note("a plan in JSON could not be read and was left out")
			return
		}
		s.SQL, s.Rows = p.Query, int64(p.Plan.Rows*p.Plan.Loops)
	case strings.HasPrefix(trimmed, planQuery):
		s.SQL, s.Rows = parseTextPlan(trimmed[len(planQuery):])
	default:
		l.im.Note("plans in XML or YAML were left out: set auto_explain.log_format to text or json")
		return
	}
	l.im.Add(s)
}

// planLine is the first line of a plan: a node, with its costs.
var planLine = lazyregexp.New(`(?m)^(Query Parameters: .*|\S.*  \(cost=[0-9.]+ rows=\d+ width=\d+\).*|\S.* \(actual .*\))$`)

// parseTextPlan returns the query of a plan in text format, and the rows of its topmost node.
func parseTextPlan(text string) (string, int64) {
	span := planLine.FindStringIndex(text)
	if span == nil {
		return text, 0
	}
	rows := int64(0)
	node := planLine.FindString(text[span[0]:])
	if strings.HasPrefix(node, "Query Parameters: ") {
		if next := planLine.FindStringIndex(text[span[1]:]); next != nil {
			node = text[span[1]+next[0] : span[1]+next[1]]
		}
	}
	if m := actualRows.FindStringSubmatch(node); m != nil {
		rows, _ = strconv.ParseInt(m[1], 10, 64)
	}
	return text[:span[0]], rows
}

// formatPlace is a file and a line.
func formatPlace(file string, line int) string { return fmt.Sprintf("%s:%d", file, line) }
