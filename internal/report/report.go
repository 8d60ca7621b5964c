// Package report prints reports and other documents: it has the list of formats, and reads what it has written. Each writer is
// a pure function from a document to an [io.Writer]:
//
//   - view says what is shown: which items, in which order, how many, in which words
//   - block has the parts of which view makes the sections that terminal and markdown share
//   - terminal, markdown and html lay that out for people
//   - machine has the formats that programs read
//   - escape makes text safe to print
//
// A report contains text from untrusted migrations, so every format escapes everything that is not plain text: control
// characters, escape sequences, text direction, markup.
package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/onward-sql/onward/internal/report/html"
	"github.com/onward-sql/onward/internal/report/machine"
	"github.com/onward-sql/onward/internal/report/markdown"
	"github.com/onward-sql/onward/internal/report/terminal"
	"github.com/onward-sql/onward/onward"
)

// Format names a way to print a report.
type Format string

// The formats.
const (
	FormatTerminal   Format = "terminal"
	FormatJSON       Format = "json"
	FormatMarkdown   Format = "markdown"
	FormatGitHub     Format = "github"
	FormatHTML       Format = "html"
	FormatSARIF      Format = "sarif"
	FormatGitLab     Format = "gitlab"
	FormatJUnit      Format = "junit"
	FormatCheckstyle Format = "checkstyle"
	FormatGCC        Format = "gcc"
)

// formats are in the order in which help texts name them.
var formats = []struct {
	name  Format
	write func(io.Writer, *onward.Report, Options) error
}{
	{FormatTerminal, terminal.WriteReport},
	{FormatJSON, ignoreOptions(machine.WriteReport)},
	{FormatMarkdown, ignoreOptions(markdown.WriteReport)},
	{FormatGitHub, ignoreOptions(machine.WriteGitHub)},
	{FormatHTML, ignoreOptions(html.WriteReport)},
	{FormatSARIF, ignoreOptions(machine.WriteSARIF)},
	{FormatGitLab, ignoreOptions(machine.WriteGitLab)},
	{FormatJUnit, ignoreOptions(machine.WriteJUnit)},
	{FormatCheckstyle, ignoreOptions(machine.WriteCheckstyle)},
	{FormatGCC, ignoreOptions(machine.WriteGCC)},
}

// Options say how a report is printed. The zero value is plain text, 100 columns wide.
type Options = terminal.Options

// ignoreOptions adapts a format that no option changes.
func ignoreOptions(write func(io.Writer, *onward.Report) error) func(io.Writer, *onward.Report, Options) error {
	return func(w io.Writer, r *onward.Report, _ Options) error { return write(w, r) }
}

// Formats lists the formats in the order in which help texts name them.
func Formats() []Format {
	var out []Format
	for _, f := range formats {
		out = append(out, f.name)
	}
	return out
}

// Write prints a report in a format.
func Write(w io.Writer, f Format, r *onward.Report, o Options) error {
	for i := range formats {
		if formats[i].name == f {
			return formats[i].write(w, r, o)
		}
	}
	return fmt.Errorf("unknown format %q: it is one of %v", f, Formats())
}

// maxReport bounds the input of Read: 256 MB.
const maxReport = 256 << 20

// Read reads a report that JSON wrote.
func Read(in io.Reader) (*onward.Report, error) {
	data, err := io.ReadAll(io.LimitReader(in, maxReport+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxReport {
		return nil, fmt.Errorf("the report is larger than %d MB", maxReport>>20)
	}
	r := &onward.Report{}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("not a report of onward: %w", err)
	}
	if r.Schema != onward.ReportSchema {
		return nil, fmt.Errorf("the schema is %q; this version reads %s", r.Schema, onward.ReportSchema)
	}
	return r, nil
}

// ReadStrictly reads a report from an untrusted source: an unknown key and text after the report are errors, too.
//
// Errors: as for [Read].
func ReadStrictly(data []byte) (*onward.Report, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&onward.Report{}); err != nil {
		return nil, fmt.Errorf("not a report of onward: %w", err)
	}
	return Read(bytes.NewReader(data))
}
