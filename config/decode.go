package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/onward-sql/onward/internal/lazyregexp"
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
	// Line and Column count from 1; 0 means the file, or the line, as a whole.
	Line, Column int
	Message      string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.Path, e.Message)
	}
	if e.Column == 0 {
		return fmt.Sprintf("%s:%d: %s", e.Path, e.Line, e.Message)
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

// maxErrors limits how many errors in a file are reported.
const maxErrors = 20

// Decode parses the content of a file. The error has all errors found, each an
// [Error].
func Decode(data []byte, name string, known Known) (*Config, error) {
	c := &Config{Path: name}
	err := decodeBounded(data, &decoder{path: name, known: known}, maxSize, func(d *decoder, n *yaml.Node) { d.decodeConfig(n, c) })
	if err != nil {
		return nil, err
	}
	return c, nil
}

// decodeBounded parses a file and calls decode for its document, if the file is not too large. After an error its result must
// not be used.
func decodeBounded(data []byte, d *decoder, most int, decode func(*decoder, *yaml.Node)) error {
	switch {
	case len(data) > most:
		return &Error{Path: d.path, Message: fmt.Sprintf("the file is larger than %d bytes", most)}
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}), bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		return &Error{Path: d.path, Message: "the file is UTF-16: save it as UTF-8"}
	}
	documents := yaml.NewDecoder(bytes.NewReader(data))
	for count := 1; ; count++ {
		var doc yaml.Node
		if err := documents.Decode(&doc); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return d.locateSyntaxError(data, err)
		}
		root := doc.Content[0]
		if isNull(root) && root.Value == "" {
			continue // nothing but comments
		}
		if count > 1 {
			d.addError(root, "a second document: the file has one")
			break
		}
		decode(d, root)
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

// placeOfError matches the line in an error of the parser.
var placeOfError = lazyregexp.New(`^yaml: line (\d+): `)

// locateSyntaxError adds the line to an error of the parser.
func (d *decoder) locateSyntaxError(data []byte, err error) error {
	message, line := err.Error(), []byte(nil)
	e := &Error{Path: d.path, Message: strings.TrimPrefix(message, "yaml: ")}
	if place := placeOfError.FindStringSubmatch(message); place != nil {
		e.Line, _ = strconv.Atoi(place[1])
		e.Message = strings.TrimPrefix(message, place[0])
		if lines := bytes.Split(data, []byte("\n")); e.Line <= len(lines) {
			line = lines[e.Line-1]
		}
	}
	blanks := len(line) - len(bytes.TrimLeft(line, " "))
	if strings.Contains(message, "found character that cannot start any token") && bytes.HasPrefix(line[blanks:], []byte("\t")) {
		e.Column, e.Message = blanks+1, "a tab cannot indent YAML: use blanks"
	}
	return e
}

func (d *decoder) addError(n *yaml.Node, format string, args ...any) {
	d.errs = append(d.errs, &Error{Path: d.path, Line: n.Line, Column: n.Column, Message: fmt.Sprintf(format, args...)})
}

func (d *decoder) decodeConfig(n *yaml.Node, c *Config) {
	d.decodeMapping(n, "the file", []field{
		{"postgres", func(n *yaml.Node) { c.Postgres = d.decodeVersions(n) }},
		{"base", func(n *yaml.Node) { c.Base = d.decodeText(n) }},
		{"migrations", func(n *yaml.Node) {
			d.eachElement(n, func(n *yaml.Node) { c.Migrations = append(c.Migrations, d.decodeMigrations(n)) })
		}},
		{"rules", func(n *yaml.Node) { c.Rules = d.decodeRules(n) }},
		{"presets", func(n *yaml.Node) {
			d.eachElement(n, func(n *yaml.Node) { c.Presets = append(c.Presets, onward.Preset(d.decodeOneOf(n, "preset", presets))) })
		}},
		{"fail_on", func(n *yaml.Node) { c.FailOn = Threshold(d.decodeOneOf(n, "severity", thresholds)) }},
		{"small_tables", func(n *yaml.Node) { c.SmallTables = d.decodeTexts(n) }},
		{"small_below", func(n *yaml.Node) { c.SmallBelow = Bytes(d.decodeBytes(n, "")) }},
		{"throughput", func(n *yaml.Node) {
			d.decodeMapping(n, "throughput", []field{
				{"read", func(n *yaml.Node) { c.Throughput.Read = d.decodeBytes(n, "/s") }},
				{"write", func(n *yaml.Node) { c.Throughput.Write = d.decodeBytes(n, "/s") }},
				{"rows", func(n *yaml.Node) { c.Throughput.Rows = d.decodeRate(n) }},
			})
		}},
		{"assume", func(n *yaml.Node) {
			d.decodeMapping(n, "assume", []field{
				{"timezone", func(n *yaml.Node) { c.Assume.TimeZone = d.decodeText(n) }},
				{"lock_timeout", func(n *yaml.Node) { c.Assume.LockTimeout = d.decodeTimeout(n) }},
				{"statement_timeout", func(n *yaml.Node) { c.Assume.StatementTimeout = d.decodeTimeout(n) }},
			})
		}},
		{"baseline", func(n *yaml.Node) { c.Baseline = d.decodeText(n) }},
		{"workload", func(n *yaml.Node) { c.Workload = d.decodeOneOrMore(n) }},
		{"deprecated", func(n *yaml.Node) { c.Deprecated = d.decodeDeprecated(n) }},
		{"deprecation_notice_days", func(n *yaml.Node) { c.DeprecationNoticeDays = d.decodeDays(n) }},
		{"soft_delete", func(n *yaml.Node) { c.SoftDelete = d.decodeSoftDelete(n) }},
		{"accept_queries", func(n *yaml.Node) { c.AcceptQueries = d.decodeAcceptQueries(n) }},
		{"redact", func(n *yaml.Node) { c.Redact = d.decodeRedact(n) }},
		{"redact_columns", func(n *yaml.Node) { c.RedactColumns = d.decodeColumns(n) }},
		{"preflight", func(n *yaml.Node) { d.decodePreflight(n, &c.Preflight) }},
		{"accept_opaque", func(n *yaml.Node) { c.AcceptOpaque = d.decodeAccept(n) }},
		{"hook", func(n *yaml.Node) { d.decodeHook(n, &c.Hook) }},
	})
}

func (d *decoder) decodeMigrations(n *yaml.Node) Migrations {
	m := Migrations{Line: n.Line}
	before := len(d.errs)
	var framework, run, runner *yaml.Node
	d.decodeMapping(n, "an entry of migrations", []field{
		{"dir", func(n *yaml.Node) { m.Dir = d.decodeDir(n) }},
		{"framework", func(n *yaml.Node) { framework, m.Framework = n, d.decodeOneOf(n, "framework", d.known.Frameworks) }},
		{"transaction", func(n *yaml.Node) { run = d.decodeTransaction(n, &m) }},
		{"runner", func(n *yaml.Node) { runner, m.Runner = n, d.decodeRunner(n) }},
		{"lock_timeout", func(n *yaml.Node) { m.LockTimeout = d.decodeTimeout(n) }},
		{"statement_timeout", func(n *yaml.Node) { m.StatementTimeout = d.decodeTimeout(n) }},
		{"python", func(n *yaml.Node) { m.Python = d.decodeText(n) }},
		{"render", func(n *yaml.Node) { m.Render = d.decodeText(n) }},
		{"capture", func(n *yaml.Node) { m.Capture = d.decodeText(n) }},
		{"capture_base", func(n *yaml.Node) { m.CaptureBase = d.decodeText(n) }},
		{"settings", func(n *yaml.Node) { m.Settings = d.decodeText(n) }},
		{"environment", func(n *yaml.Node) { m.Environment = d.decodeEnvironment(n) }},
		{"sandbox", func(n *yaml.Node) { m.Sandbox = d.decodeSandbox(n) }},
		{"render_timeout", func(n *yaml.Node) { m.RenderTimeout = d.decodeTimeout(n) }},
		{"static", func(n *yaml.Node) { m.Static = d.decodeBool(n) }},
		{"accept_unreadable", func(n *yaml.Node) { m.AcceptUnreadable = d.decodeBool(n) }},
	})
	switch {
	case m.CaptureBase != "" && m.Capture == "":
		d.addError(n, "capture_base needs capture, the command that runs the migrations")
	case m.Capture != "" && m.Render != "":
		d.addError(n, "capture and render are two ways to the same SQL: leave one out")
	}
	d.checkAndCompleteRunner(&m, framework, run, runner)
	if m.Dir == "" && len(d.errs) == before {
		d.addError(n, "dir is missing: which directory is meant? (. is the directory of %s)", Name)
	}
	return m
}

// decodeDir reads a directory within the repository.
func (d *decoder) decodeDir(n *yaml.Node) string {
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
func (d *decoder) decodeRules(n *yaml.Node) map[string]onward.Severity {
	out := map[string]onward.Severity{}
	for _, entry := range d.uniqueEntries(n, "rules") {
		name := entry.Key.Value
		if !slices.Contains(d.known.Rules, name) {
			d.addError(entry.Key, "unknown rule %s%s; onward rules lists them", name, d.suggestNearest(name, d.known.Rules))
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
func (d *decoder) decodeDeprecated(n *yaml.Node) map[string]string {
	out := map[string]string{}
	for _, entry := range d.uniqueEntries(n, "deprecated") {
		name := entry.Key.Value
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

// decodeSoftDelete reads columns by table.
func (d *decoder) decodeSoftDelete(n *yaml.Node) map[string]string {
	out := map[string]string{}
	for _, entry := range d.uniqueEntries(n, "soft_delete") {
		column := d.decodeText(entry.Value)
		if column != "" && strings.ContainsAny(column, ". \t") {
			d.addError(entry.Value, "soft_delete %s: %q is no name of a column", entry.Key.Value, column)
			continue
		}
		out[entry.Key.Value] = column
	}
	return out
}

// decodeVersions reads 17, 14..17 or a list of both.
func (d *decoder) decodeVersions(n *yaml.Node) []int {
	var words []string
	if n.Kind == yaml.SequenceNode {
		d.eachElement(n, func(n *yaml.Node) { words = append(words, d.decodeText(n)) })
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
func (d *decoder) decodeAccept(n *yaml.Node) Accept {
	if isScalar(n, "!!bool") {
		return Accept{All: isTrue(n)}
	}
	a := Accept{}
	if n.Kind != yaml.SequenceNode {
		d.addError(n, "write true, or a list of paths, which may have * and **")
		return a
	}
	d.eachElement(n, func(n *yaml.Node) {
		p := d.decodeText(n)
		if _, err := path.Match(p, ""); err != nil {
			d.addError(n, "%q is no pattern: %v", p, err)
		}
		a.Patterns = append(a.Patterns, p)
	})
	return a
}

// decodeTimeout reads a time in Postgres' notation: a plain number is milliseconds.
func (d *decoder) decodeTimeout(n *yaml.Node) Timeout {
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
func (d *decoder) decodeBytes(n *yaml.Node, suffix string) int64 {
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
