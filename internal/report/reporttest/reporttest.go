// Package reporttest has what the tests of several writers need: the reports and golden files in testdata, and a report with a
// stranger's text everywhere.
package reporttest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/golden"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/onward"
)

// findTestdataFile returns the path of a file in testdata, which is beside the package report.
func findTestdataFile(name string) string {
	if _, err := os.Stat("testdata"); err == nil {
		return filepath.Join("testdata", name)
	}
	return filepath.Join("..", "testdata", name)
}

// ReadFile reads a file in testdata.
func ReadFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(findTestdataFile(name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// ReadReport reads a report in testdata.
func ReadReport(t testing.TB, name string) *onward.Report {
	t.Helper()
	r, err := report.Read(bytes.NewReader(ReadFile(t, name+".json")))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// PrintReport returns a report in a format.
func PrintReport(t testing.TB, r *onward.Report, f report.Format, o report.Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Write(&b, f, r, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// CompareGolden compares a text with a golden file; -update writes the file.
func CompareGolden(t testing.TB, name, got string) {
	t.Helper()
	golden.CompareFile(t, findTestdataFile(name), got)
}

// FillReport returns a report that has s in every field whose text may come from a stranger: paths, SQL, messages, names. Tests check that
// a writer escapes it, for example FillReport("</script>").
func FillReport(s string) *onward.Report {
	failed := &onward.ServerError{Code: s, Message: s, Detail: s, Hint: s}
	return &onward.Report{Base: s, Head: s, Postgres: []int{18},
		Migrations: []onward.Migration{{
			ID: s, Path: s, Framework: s, Status: onward.Status(s), Transaction: onward.Transaction(s),
			Changes: []onward.Change{{Object: s, Text: s, Kind: s}},
			Statements: []onward.Statement{{SQL: s, Line: 1, Note: s, Duration: s, Effects: []onward.Effect{{Relation: s, Lock: onward.ShareLock, Blocks: []string{s}}},
				Waiting: &onward.Waiting{Relations: []string{s}, Queries: 1, Calls: 1, Share: 0.5, Examples: []onward.WaitingQuery{{ID: s, Query: s, Sender: s, Calls: 1}}}}},
		}},
		Verdicts: []onward.Verdict{
			{Query: s, ID: s, Code: onward.OldCode, Sender: s, After: onward.VerdictPlace{Migration: s, Path: s, Line: 1}, Point: 1, Kind: onward.VerdictKind(s), Severity: onward.Error, SQLState: s, Message: s},
			{Query: s, ID: s, Code: onward.NewCode, Sender: s, Until: &onward.VerdictPlace{Migration: s, Path: s, Line: 1}, UntilPoint: 1, Kind: onward.VerdictKind(s), Severity: onward.Error, SQLState: s, Message: s},
		},
		Verification: &onward.Verification{
			Version: s, Order: s, Notes: []string{s}, Old: &onward.Verified{Queries: 1}, New: &onward.Verified{Queries: 1},
			Points: []onward.VerifiedPoint{{New: onward.Cell{Verdicts: []int{1}, Errors: 1}}, {After: onward.VerdictPlace{Migration: s, Path: s, Line: 1}, Statements: []int{0}, Window: true, Old: onward.Cell{Verdicts: []int{0}, Errors: 1}}},
			Phases: []onward.Phase{{Belongs: onward.Belongs(s), Advice: s}}, Stopped: &onward.Stopped{After: onward.VerdictPlace{Path: s}, Message: s},
		},
		Findings: []onward.Finding{{Rule: s, Severity: onward.Error, Migration: s, Path: s, Line: 1, Column: 1, EndLine: 1, EndColumn: 2, Fact: s, Harm: s, Instead: s + "\n" + s,
			Evidence: []onward.Evidence{{Path: s, Line: 1, Text: s, Revision: s}}}},
		Opaque:  []onward.Opaque{{Path: s, Line: 1, What: s, Why: s, Failed: true}},
		Summary: onward.Summary{Migrations: 1, Errors: 1, Opaque: 1, Verdict: s, Next: []string{s}},
		Rehearsals: []onward.Rehearsal{
			{
				Postgres: 18, Version: s, Base: onward.RehearsalBase{From: s}, Notes: []string{s}, DurationMS: 900,
				Tables:       []onward.RehearsedTable{{Relation: s, Rows: 10, Bytes: 8192}},
				Transactions: []onward.RehearsedTransaction{{UntilMS: 900, RolledBack: true}},
				Statements: []onward.RehearsedStatement{{
					UntilMS: 900, Failed: failed, StallMS: 800, Waited: 2,
					Observed: []onward.Observed{{Relation: s, Lock: onward.AccessExclusiveLock, Blocks: []string{"read", s}, UntilMS: 900, HeldMS: 500, WaitedMS: 400}},
					Nested:   []onward.NestedStatement{{SQL: s}},
					Estimate: &onward.Estimate{Relation: s, Rows: 1, HighMS: 1},
				}},
				Traffic: &onward.Traffic{
					Source: s, Queries: 3, Waited: 2, SlotMS: 100, Slots: []onward.TrafficSlot{{WorstMS: 3}, {WorstMS: 800}},
					Stalls:   []onward.Stall{{Span: onward.Span{FromMS: 1, UntilMS: 801}, Relation: s, Kind: s, Queries: 2, Query: s}},
					Failures: []onward.TrafficFailure{{Relation: s, Query: s, Error: *failed, Count: 1, Sender: s, ID: s, After: new(int)}},
					Waiters:  []onward.Waiter{{Sender: s, Queries: 2, Waits: 3, WorstMS: 4, Query: s, ID: s}, {Query: s, Statement: 99}},
					Recorded: &onward.RecordedTraffic{Queries: 3, Run: 2, Touching: 1, MadeUp: []string{s},
						Left: []onward.LeftOut{{Why: s, Queries: 1, Examples: []onward.LeftQuery{{Query: s, Sender: s, Error: failed}}}}},
					LongTransaction: &onward.Span{UntilMS: 400},
				},
				Differences: []onward.Difference{{Relation: s, Model: s, Server: s, Report: s}},
			},
			{Postgres: 17, Version: s},
		},
	}
}

// policy matches the Content-Security-Policy of a page.
var policy = lazyregexp.New(`content="default-src[^"]*"`)

// CutBody returns a page without its style, script and policy, which have files and
// tests of their own.
func CutBody(t testing.TB, page string) string {
	t.Helper()
	for _, element := range []string{"style", "script"} {
		before, rest, _ := strings.Cut(page, "<"+element+">")
		_, after, found := strings.Cut(rest, "</"+element+">")
		if !found {
			t.Fatalf("no %s", element)
		}
		page = before + "<" + element + "></" + element + ">" + after
	}
	return policy.ReplaceAllString(page, `content="…"`)
}

// ListElements returns the elements of a page, in order, each at its depth.
func ListElements(t testing.TB, page string) []string {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(CutBody(t, page)))
	d.Strict, d.AutoClose, d.Entity = false, []string{"meta", "link", "br"}, xml.HTMLEntity
	var out []string
	depth := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			if depth != 0 {
				t.Errorf("%d elements are left open", depth)
			}
			return out
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, page)
		}
		switch e := token.(type) {
		case xml.StartElement:
			out = append(out, strings.Repeat(" ", depth)+e.Name.Local)
			depth++
		case xml.EndElement:
			depth--
		}
	}
}

// CountCells counts the cells of a row of Markdown as GitHub does: a pipe after a backslash is text.
func CountCells(row string) int {
	n := -1
	for i := 0; i < len(row); i++ {
		switch row[i] {
		case '\\':
			i++
		case '|':
			n++
		}
	}
	return n
}
