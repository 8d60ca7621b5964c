package report

import (
	"encoding/xml"
	"io"

	"github.com/onward-sql/onward/onward"
)

// Checkstyle prints the findings as Checkstyle does, which reviewdog and many editors read.
// https://github.com/reviewdog/reviewdog#format-checkstyle
func Checkstyle(w io.Writer, r *onward.Report) error {
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
	of := map[string]*file{}
	for _, a := range annotations(r) {
		if of[a.path] == nil {
			of[a.path] = &file{Name: Line(a.path)}
			all.Files = append(all.Files, of[a.path])
		}
		of[a.path].Problems = append(of[a.path].Problems, problem{max(1, a.line), max(0, a.column), a.level("info"), Visible(a.message), "onward." + a.id()})
	}
	return writeXML(w, all)
}

// writeXML prints a document. What XML cannot hold, Visible has spelt out.
func writeXML(w io.Writer, v any) error {
	text, err := xml.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, Tame(xml.Header+string(text)+"\n"))
	return err
}
