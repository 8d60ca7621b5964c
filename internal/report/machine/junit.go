package machine

import (
	"encoding/xml"
	"io"
	"strings"

	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

type junitText struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}
type junitCase struct {
	Name      string     `xml:"name,attr"`
	Classname string     `xml:"classname,attr"`
	File      string     `xml:"file,attr,omitempty"`
	Line      int        `xml:"line,attr,omitempty"`
	Failure   *junitText `xml:"failure,omitempty"`
	Error     *junitText `xml:"error,omitempty"`
	Output    string     `xml:"system-out,omitempty"`
}
type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Cases    []junitCase `xml:"testcase"`
}
type junitSuites struct {
	XMLName  xml.Name      `xml:"testsuites"`
	Name     string        `xml:"name,attr"`
	Tests    int           `xml:"tests,attr"`
	Failures int           `xml:"failures,attr"`
	Errors   int           `xml:"errors,attr"`
	Suites   []*junitSuite `xml:"testsuite"`
}

// WriteJUnit prints a report as test results, which most CI servers show. Each migration is a suite, each finding a case.
// Errors are failures; code that should have been readable and was not is an error; notes and warnings pass, with
// their text as output.
// https://github.com/testmoapp/junitxml
func WriteJUnit(w io.Writer, r *onward.Report) error {
	all := junitSuites{Name: "onward"}
	byName := map[string]*junitSuite{}
	add := func(path string) *junitSuite {
		if byName[path] == nil {
			byName[path] = &junitSuite{Name: escape.Line(path)}
			all.Suites = append(all.Suites, byName[path])
		}
		return byName[path]
	}
	for i := range r.Migrations {
		add(r.Migrations[i].Path)
	}
	for _, a := range listAnnotations(r) {
		s := add(a.path)
		c := junitCase{
			Name:      escape.Line(a.ruleOrKind() + ": " + strings.TrimPrefix(a.head, notJudged+": ")),
			Classname: escape.Line(a.path),
			File:      escape.Line(a.path),
			Line:      max(0, a.line),
		}
		text := &junitText{escape.Line(a.head), a.ruleOrKind(), escape.Controls(a.message)}
		switch {
		case a.unread:
			c.Error = text
			s.Errors++
		case a.severity == onward.Error:
			c.Failure = text
			s.Failures++
		default:
			c.Output = text.Text
		}
		s.Cases = append(s.Cases, c)
	}
	for _, s := range all.Suites {
		if len(s.Cases) == 0 { // readers do not show a suite without cases
			s.Cases = []junitCase{{Name: "no findings", Classname: s.Name, File: s.Name}}
		}
		s.Tests = len(s.Cases)
		all.Tests, all.Failures, all.Errors = all.Tests+s.Tests, all.Failures+s.Failures, all.Errors+s.Errors
	}
	return writeXML(w, all)
}

// WriteCheckstyle prints the findings in Checkstyle's format, which reviewdog and many editors
// read.
// https://github.com/reviewdog/reviewdog#format-checkstyle
func WriteCheckstyle(w io.Writer, r *onward.Report) error {
	type problem struct {
		Line     int    `xml:"line,attr"`
		Column   int    `xml:"column,attr,omitempty"`
		Severity string `xml:"severity,attr"`
		Message  string `xml:"message,attr"`
		Source   string `xml:"source,attr"`
	}
	type file struct {
		Name     string    `xml:"name,attr"`
		Problems []problem `xml:"error"`
	}
	type document struct {
		XMLName xml.Name `xml:"checkstyle"`
		Version string   `xml:"version,attr"`
		Files   []*file  `xml:"file"`
	}
	all := document{Version: "4.3"}
	byPath := map[string]*file{}
	for _, a := range listAnnotations(r) {
		if byPath[a.path] == nil {
			byPath[a.path] = &file{Name: escape.Line(a.path)}
			all.Files = append(all.Files, byPath[a.path])
		}
		byPath[a.path].Problems = append(byPath[a.path].Problems, problem{
			max(1, a.line), max(0, a.column), a.forgeLevel("info"), escape.Controls(a.message), "onward." + a.ruleOrKind(),
		})
	}
	return writeXML(w, all)
}

// writeXML prints a document. [escape.Controls] has already escaped characters that XML cannot hold.
func writeXML(w io.Writer, v any) error {
	text, err := xml.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, escape.Commands(xml.Header+string(text)+"\n"))
	return err
}
