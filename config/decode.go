package config

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/onward-sql/onward/internal/pgtime"
	"github.com/onward-sql/onward/internal/workload/deprecation"
	"github.com/onward-sql/onward/onward"
)

// Known holds the names that the file may use. They belong to packages that
// this one does not import.
type Known struct {
	// Rules are the names of all rules, Frameworks those that the adapters
	// have.
	Rules, Frameworks []string
}

var presets = []string{string(onward.Recommended), string(onward.Strict), string(onward.DesignSet), string(onward.SecuritySet)}

// Error is an error in the file.
type Error struct {
	Path string
	// Line and Column count from 1; 0 means the file as a whole.
	Line, Column int
	Message      string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.Path, e.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.Path, e.Line, e.Column, e.Message)
}

// InputError is an error in the user's input: a missing file, a text that is
// too large. Its exit code differs from a failure's.
type InputError struct{ Err error }

func (e *InputError) Error() string { return e.Err.Error() }

// Unwrap returns the error itself.
func (e *InputError) Unwrap() error { return e.Err }

// maxSize limits the file: 1 MB.
const maxSize = 1 << 20

// maxTime limits the parsing of a file, which usually takes a thousandth of it.
// The YAML library needs quadratic time in the nesting depth of a file, and in
// the number of keys of a mapping.
const maxTime = 5 * time.Second

// maxErrors limits how many errors in a file are reported.
const maxErrors = 20

// Decode parses the content of a file. The error has all errors found, each an
// [Error].
func Decode(data []byte, name string, known Known) (*Config, error) {
	c := &Config{Path: name}
	err := decodeBounded(data, &decoder{path: name, known: known}, maxSize, func(d *decoder, n ast.Node) { d.decodeConfig(n, c) })
	if err != nil {
		return nil, err
	}
	return c, nil
}

// decodeBounded parses a file and calls decode for its document, within limits of size and time. After an error decode may still run, so
// its result must not be used.
func decodeBounded(data []byte, d *decoder, most int, decode func(*decoder, ast.Node)) error {
	name := d.path
	switch {
	case len(data) > most:
		return &Error{Path: name, Message: fmt.Sprintf("the file is larger than %d bytes", most)}
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}), bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		return &Error{Path: name, Message: "the file is UTF-16: save it as UTF-8"}
	}
	read := make(chan error, 1)
	go func() {
		var err error
		defer func() {
			if fault := recover(); fault != nil {
				err = &Error{Path: name, Message: fmt.Sprintf("cannot be read: %v", fault)}
			}
			read <- err
		}()
		err = d.decodeFile(data, decode)
	}()
	select {
	case err := <-read:
		return err
	case <-time.After(maxTime):
		return &Error{Path: name, Message: fmt.Sprintf("reading it takes more than %v: it is nested too deep, or has too many keys", maxTime)}
	}
}

func (d *decoder) decodeFile(data []byte, decode func(*decoder, ast.Node)) error {
	if line, column, deep := tooDeep(string(data)); deep {
		return &Error{Path: d.path, Line: line, Column: column, Message: fmt.Sprintf("nested deeper than %d levels", maxNesting)}
	}
	file, err := parser.ParseBytes(bytes.TrimPrefix(data, []byte("\ufeff")), 0)
	if err != nil {
		return d.syntaxError(err)
	}
	for i, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if i > 0 {
			d.addError(doc.Body, "a second document: the file has one")
			break
		}
		decode(d, doc.Body)
	}
	if n := len(d.errs) - maxErrors; n > 0 {
		d.errs = append(d.errs[:maxErrors], &Error{Path: d.path, Message: fmt.Sprintf("%d more", n)})
	}
	return errors.Join(d.errs...)
}

type decoder struct {
	path  string
	known Known
	errs  []error
}

// syntaxError adds the position to an error of the parser.
func (d *decoder) syntaxError(err error) error {
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil && at.GetToken().Position != nil {
		pos, message := at.GetToken().Position, at.GetMessage()
		if strings.Contains(message, "'\t' that cannot start") {
			message = "a tab cannot indent YAML: use blanks"
		}
		return &Error{Path: d.path, Line: pos.Line, Column: pos.Column, Message: message}
	}
	return &Error{Path: d.path, Message: err.Error()}
}

func (d *decoder) addError(n ast.Node, format string, args ...any) {
	e := &Error{Path: d.path, Message: fmt.Sprintf(format, args...)}
	if t := n.GetToken(); t != nil && t.Position != nil {
		e.Line, e.Column = t.Position.Line, t.Position.Column
	}
	d.errs = append(d.errs, e)
}

func (d *decoder) decodeConfig(n ast.Node, c *Config) {
	d.decodeMapping(n, "the file", []field{
		{"postgres", func(n ast.Node) { c.Postgres = d.decodeVersions(n) }},
		{"base", func(n ast.Node) { c.Base = d.decodeText(n) }},
		{"migrations", func(n ast.Node) {
			d.eachElement(n, func(n ast.Node) { c.Migrations = append(c.Migrations, d.decodeMigrations(n)) })
		}},
		{"rules", func(n ast.Node) { c.Rules = d.decodeRules(n) }},
		{"presets", func(n ast.Node) {
			d.eachElement(n, func(n ast.Node) { c.Presets = append(c.Presets, onward.Preset(d.oneOf(n, "preset", presets))) })
		}},
		{"fail_on", func(n ast.Node) { c.FailOn = Threshold(d.oneOf(n, "severity", thresholds)) }},
		{"small_tables", func(n ast.Node) { c.SmallTables = d.decodeTexts(n) }},
		{"small_below", func(n ast.Node) { c.SmallBelow = Bytes(d.decodeBytes(n, "")) }},
		{"throughput", func(n ast.Node) {
			d.decodeMapping(n, "throughput", []field{
				{"read", func(n ast.Node) { c.Throughput.Read = d.decodeBytes(n, "/s") }},
				{"write", func(n ast.Node) { c.Throughput.Write = d.decodeBytes(n, "/s") }},
				{"rows", func(n ast.Node) { c.Throughput.Rows = d.decodeRate(n) }},
			})
		}},
		{"assume", func(n ast.Node) {
			d.decodeMapping(n, "assume", []field{
				{"timezone", func(n ast.Node) { c.Assume.TimeZone = d.decodeText(n) }},
				{"lock_timeout", func(n ast.Node) { c.Assume.LockTimeout = d.decodeTimeout(n) }},
				{"statement_timeout", func(n ast.Node) { c.Assume.StatementTimeout = d.decodeTimeout(n) }},
			})
		}},
		{"baseline", func(n ast.Node) { c.Baseline = d.decodeText(n) }},
		{"workload", func(n ast.Node) { c.Workload = d.oneOrMore(n) }},
		{"deprecated", func(n ast.Node) { c.Deprecated = d.decodeDeprecated(n) }},
		{"deprecation_notice_days", func(n ast.Node) { c.DeprecationNoticeDays = d.decodeDays(n) }},
		{"soft_delete", func(n ast.Node) { c.SoftDelete = d.softDelete(n) }},
		{"accept_queries", func(n ast.Node) { c.AcceptQueries = d.decodeAcceptQueries(n) }},
		{"preflight", func(n ast.Node) { d.decodePreflight(n, &c.Preflight) }},
		{"accept_opaque", func(n ast.Node) { c.AcceptOpaque = d.decodeAccept(n) }},
		{"hook", func(n ast.Node) { d.decodeHook(n, &c.Hook) }},
	})
}

func (d *decoder) decodeMigrations(n ast.Node) Migrations {
	var m Migrations
	if t := n.GetToken(); t != nil && t.Position != nil {
		m.Line = t.Position.Line
	}
	before := len(d.errs)
	var framework, run, runner ast.Node
	d.decodeMapping(n, "an entry of migrations", []field{
		{"dir", func(n ast.Node) { m.Dir = d.decodeDir(n) }},
		{"framework", func(n ast.Node) { framework, m.Framework = n, d.oneOf(n, "framework", d.known.Frameworks) }},
		{"transaction", func(n ast.Node) { run = d.decodeTransaction(n, &m) }},
		{"runner", func(n ast.Node) { runner, m.Runner = n, d.decodeRunner(n) }},
		{"lock_timeout", func(n ast.Node) { m.LockTimeout = d.decodeTimeout(n) }},
		{"statement_timeout", func(n ast.Node) { m.StatementTimeout = d.decodeTimeout(n) }},
		{"python", func(n ast.Node) { m.Python = d.decodeText(n) }},
		{"render", func(n ast.Node) { m.Render = d.decodeText(n) }},
		{"capture", func(n ast.Node) { m.Capture = d.decodeText(n) }},
		{"capture_base", func(n ast.Node) { m.CaptureBase = d.decodeText(n) }},
		{"settings", func(n ast.Node) { m.Settings = d.decodeText(n) }},
		{"environment", func(n ast.Node) { m.Environment = d.decodeEnvironment(n) }},
		{"sandbox", func(n ast.Node) { m.Sandbox = d.decodeSandbox(n) }},
		{"render_timeout", func(n ast.Node) { m.RenderTimeout = d.decodeTimeout(n) }},
		{"accept_unreadable", func(n ast.Node) { m.AcceptUnreadable = d.decodeBool(n) }},
	})
	switch {
	case m.CaptureBase != "" && m.Capture == "":
		d.addError(n, "capture_base needs capture, the command that runs the migrations")
	case m.Capture != "" && m.Render != "":
		d.addError(n, "capture and render are two ways to the same SQL: leave one out")
	}
	d.checkRunner(&m, framework, run, runner)
	if m.Dir == "" && len(d.errs) == before {
		d.addError(n, "dir is missing: which directory is meant? (. is the directory of %s)", Name)
	}
	return m
}

// decodeDir reads a directory within the repository.
func (d *decoder) decodeDir(n ast.Node) string {
	name := strings.ReplaceAll(d.decodeText(n), `\`, "/")
	if name == "" {
		return ""
	}
	clean := path.Clean(name)
	if path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") {
		d.addError(n, "%q leads out of the directory of %s", name, Name)
	}
	return clean
}

// decodeRules reads severities by rule.
func (d *decoder) decodeRules(n ast.Node) map[string]onward.Severity {
	out := map[string]onward.Severity{}
	for _, entry := range d.uniqueEntries(n, "rules") {
		name := entry.Key.GetToken().Value
		if !slices.Contains(d.known.Rules, name) {
			d.addError(entry.Key, "unknown rule %s%s; onward rules lists them", name, didYouMean(name, d.known.Rules))
			continue
		}
		var s onward.Severity
		if err := s.UnmarshalText([]byte(d.decodeText(entry.Value))); err != nil {
			d.addError(entry.Value, "%s: %v", name, err)
			continue
		}
		out[name] = s
	}
	return out
}

// decodeDeprecated reads the texts about columns.
func (d *decoder) decodeDeprecated(n ast.Node) map[string]string {
	out := map[string]string{}
	for _, entry := range d.uniqueEntries(n, "deprecated") {
		name := entry.Key.GetToken().Value
		if _, _, err := deprecation.SplitColumnName(name); err != nil {
			d.addError(entry.Key, "%v", err)
			continue
		}
		words := d.decodeText(entry.Value)
		if _, err := deprecation.Parse(words); err != nil {
			d.addError(entry.Value, "deprecated %s: %v", name, err)
			continue
		}
		out[name] = words
	}
	return out
}

// softDelete reads columns by table.
func (d *decoder) softDelete(n ast.Node) map[string]string {
	out := map[string]string{}
	for _, entry := range d.uniqueEntries(n, "soft_delete") {
		column := d.decodeText(entry.Value)
		if column != "" && strings.ContainsAny(column, ". \t") {
			d.addError(entry.Value, "soft_delete %s: %q is no name of a column", entry.Key.GetToken().Value, column)
			continue
		}
		out[entry.Key.GetToken().Value] = column
	}
	return out
}

// decodeVersions reads 17, 14..17 or a list of both.
func (d *decoder) decodeVersions(n ast.Node) []int {
	var words []string
	if _, ok := n.(*ast.SequenceNode); ok {
		d.eachElement(n, func(n ast.Node) { words = append(words, d.decodeText(n)) })
	} else {
		words = []string{d.decodeText(n)}
	}
	if len(d.errs) > 0 {
		return nil
	}
	majors, err := ParseVersions(strings.Join(words, ","))
	if err != nil {
		d.addError(n, "postgres: %v", err)
	}
	return majors
}

// ParseVersions parses major versions: "17", "14..17", "13,15..17". The result
// is ascending, without duplicates.
func ParseVersions(text string) ([]int, error) {
	var out []int
	for _, part := range strings.Split(text, ",") {
		lo, hi, ok := strings.Cut(strings.TrimSpace(part), "..")
		if !ok {
			hi = lo
		}
		from, err := strconv.Atoi(strings.TrimSpace(lo))
		to, err2 := strconv.Atoi(strings.TrimSpace(hi))
		switch {
		case err != nil || err2 != nil:
			return nil, fmt.Errorf("%q is no major version of Postgres: write 17, 14..17 or a list", part)
		case from > to:
			return nil, fmt.Errorf("%q is empty: write the older version first", part)
		case from < onward.OldestMajor || to > onward.PreviewMajor:
			return nil, fmt.Errorf("%q is not supported: this release knows Postgres %d to %d", part, onward.OldestMajor, onward.PreviewMajor)
		}
		for v := from; v <= to; v++ {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// decodeAccept reads true, false or patterns.
func (d *decoder) decodeAccept(n ast.Node) Accept {
	if b, ok := n.(*ast.BoolNode); ok {
		return Accept{All: b.Value}
	}
	a := Accept{}
	if _, ok := n.(*ast.SequenceNode); !ok {
		d.addError(n, "write true, or a list of paths, which may have * and **")
		return a
	}
	d.eachElement(n, func(n ast.Node) {
		p := d.decodeText(n)
		if _, err := path.Match(p, ""); err != nil {
			d.addError(n, "%q is no pattern: %v", p, err)
		}
		a.Patterns = append(a.Patterns, p)
	})
	return a
}

// decodeTimeout reads a time in Postgres' notation: a plain number is milliseconds.
func (d *decoder) decodeTimeout(n ast.Node) Timeout {
	text := d.decodeText(n)
	if text == "" {
		return 0
	}
	ms, ok := pgtime.Parse(text)
	if !ok || ms < 0 {
		d.addError(n, "%q is no time: write it as Postgres does, 500ms, 5s or 2min", text)
		return 0
	}
	return Timeout(ms)
}

var byteUnits = map[string]float64{"": 1, "B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}

// decodeBytes reads a size or, with a suffix of "/s", a rate: 10MB, 200MB/s.
func (d *decoder) decodeBytes(n ast.Node, suffix string) int64 {
	before := len(d.errs)
	text := d.decodeText(n)
	if len(d.errs) > before {
		return 0
	}
	plain, ok := strings.CutSuffix(strings.TrimSpace(text), suffix)
	i := strings.LastIndexAny(plain, "0123456789.") + 1
	v, err := strconv.ParseFloat(plain[:i], 64)
	unit, known := byteUnits[strings.TrimSpace(plain[i:])]
	if !ok || err != nil || !known || v <= 0 || v*unit < 1 || v*unit > 1e18 {
		d.addError(n, "%q is no %s: write 10MB%s", text, map[string]string{"": "size", "/s": "throughput"}[suffix], suffix)
		return 0
	}
	return int64(v * unit)
}
