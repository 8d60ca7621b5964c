// Package reporttest has what the tests of several writers need: the reports and golden files in testdata, and a report with a
// stranger's text everywhere.
package reporttest

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/onward-sql/onward/internal/golden"
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
