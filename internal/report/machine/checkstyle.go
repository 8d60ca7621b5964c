package machine

import (
	"encoding/xml"
	"io"

	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

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
