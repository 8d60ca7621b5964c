// Package readers holds the formats of a report against programs that read them: it is a module of its
// own, so that nothing of theirs is a dependency of onward.
package readers

import (
	"encoding/json"
	"go/ast"
	goparser "go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/joshdk/go-junit"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/reviewdog/errorformat"
	"github.com/reviewdog/reviewdog/parser"
	"github.com/xeipuuv/gojsonschema"
)

// each calls check for every golden file of the reports that has this ending.
func each(t *testing.T, ending string, check func(t *testing.T, name, text string)) {
	t.Helper()
	files, err := filepath.Glob("../testdata/*." + ending)
	if err != nil || len(files) < 8 {
		t.Fatalf("files *.%s: %q, %v, want at least 8", ending, files, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), "."+ending)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			check(t, name, string(text))
		})
	}
}

// found is how many findings, broken queries and things not judged a report annotates: a line of GitHub's each.
func found(t *testing.T, name string) int {
	t.Helper()
	text, err := os.ReadFile("../testdata/" + name + ".github")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count("\n"+string(text), "\n::")
}

// published is the schema of SARIF 2.1.0: a library has it as a constant of its own.
func published(t *testing.T) *gojsonschema.Schema {
	t.Helper()
	dir, err := exec.Command("go", "list", "-f", "{{.Dir}}", "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif").Output()
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	files, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "*.go"))
	for _, file := range files {
		f, err := goparser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok && v.Names[0].Name == "schema" {
				text, err = strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			}
			return err == nil
		})
	}
	schema, err := gojsonschema.NewSchema(gojsonschema.NewStringLoader(text))
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// SARIF is what its schema says, and reviewdog finds all that is in it.
func TestSARIF(t *testing.T) {
	t.Parallel()
	schema := published(t)
	invalid := func(t *testing.T, text string) []gojsonschema.ResultError {
		t.Helper()
		r, err := schema.Validate(gojsonschema.NewStringLoader(text))
		if err != nil {
			t.Fatal(err)
		}
		return r.Errors()
	}
	if len(invalid(t, `{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"onward","colour":1}}}]}`)) == 0 {
		t.Fatal("the schema refuses nothing")
	}
	each(t, "sarif", func(t *testing.T, name, text string) {
		for _, wrong := range invalid(t, text) {
			t.Errorf("%s breaks the schema of SARIF: %v", name, wrong)
		}
		r, err := sarif.FromString(text)
		if err != nil {
			t.Fatal(err)
		}
		results := r.Runs[0].Results
		if len(results) != found(t, name) {
			t.Errorf("%d results, %d findings", len(results), found(t, name))
		}
		seen := map[string]bool{}
		for _, one := range results {
			if print := one.PartialFingerprints["onward/v1"]; print == "" || seen[print] {
				t.Errorf("fingerprint %q", print)
			} else {
				seen[print] = true
			}
			if id := r.Runs[0].Tool.Driver.Rules[one.RuleIndex].ID; id == nil || *id != *one.RuleID {
				t.Error("another rule's index", one.RuleID)
			}
		}
		list, err := parser.NewSarifParser().Parse(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if len(list) < len(results)-1 { // what has no place is not shown
			t.Errorf("reviewdog reads %d of %d", len(list), len(results))
		}
	})
}

func TestCheckstyle(t *testing.T) {
	t.Parallel()
	each(t, "checkstyle.xml", func(t *testing.T, name, text string) {
		list, err := parser.NewCheckStyleParser().Parse(strings.NewReader(text))
		if err != nil || len(list) != found(t, name) {
			t.Fatalf("reviewdog reads %d findings, want %d; error %v", len(list), found(t, name), err)
		}
		for _, d := range list {
			if d.Location.Range.Start.Line < 1 || d.Message == "" || !strings.HasPrefix(d.Code.Value, "onward.") {
				t.Errorf("reviewdog reads %v, want a line, a message and a code of onward", d)
			}
		}
	})
}

// Compilers' lines are read with the pattern that editors have for gcc.
func TestGCC(t *testing.T) {
	t.Parallel()
	each(t, "gcc.txt", func(t *testing.T, name, text string) {
		format, err := errorformat.NewErrorformat([]string{"%f:%l:%c: %trror: %m", "%f:%l:%c: %tarning: %m", "%f:%l:%c: %tote: %m"})
		if err != nil {
			t.Fatal(err)
		}
		lines, places := 0, 0
		for s := format.NewScanner(strings.NewReader(text)); s.Scan(); lines++ {
			e := s.Entry()
			if !e.Valid && name == "hostile" { // a path with colons in it has no form that is read
				continue
			}
			if !e.Valid || e.Lnum < 1 || e.Text == "" {
				t.Errorf("errorformat reads %+v, want a line number and a text", e)
			}
			if strings.HasSuffix(e.Text, "]") {
				places++
			}
		}
		if lines != strings.Count(text, "\n") || places < found(t, name) && name != "hostile" {
			t.Errorf("errorformat reads %d lines with %d places, want %d and %d", lines, places, strings.Count(text, "\n"), found(t, name))
		}
	})
}

func TestJUnit(t *testing.T) {
	t.Parallel()
	each(t, "junit.xml", func(t *testing.T, name, text string) {
		suites, err := junit.Ingest([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		var all, bad, said int
		for _, s := range suites {
			all += s.Totals.Tests
			bad += s.Totals.Failed + s.Totals.Error
			for _, c := range s.Tests {
				if c.Name != "no findings" {
					said++
				}
				if c.Status == junit.StatusSkipped || c.Name == "" {
					t.Errorf("the test case is %+v, want a name and a status other than skipped", c)
				}
			}
		}
		github, _ := os.ReadFile("../testdata/" + name + ".github")
		if said != found(t, name) || bad != strings.Count("\n"+string(github), "\n::error") {
			t.Errorf("%d cases, %d findings in them, %d bad; want %d findings", all, said, bad, found(t, name))
		}
	})
}

// Code Quality takes what GitLab's page lists, each with a fingerprint of its own.
func TestGitLab(t *testing.T) {
	t.Parallel()
	each(t, "gitlab.json", func(t *testing.T, name, text string) {
		var list []struct {
			Description string `json:"description"`
			CheckName   string `json:"check_name"`
			Fingerprint string `json:"fingerprint"`
			Severity    string `json:"severity"`
			Location    struct {
				Path  string `json:"path"`
				Lines struct {
					Begin int `json:"begin"`
				} `json:"lines"`
			} `json:"location"`
		}
		d := json.NewDecoder(strings.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&list); err != nil || len(list) != found(t, name) {
			t.Fatalf("decode the findings: %v; got %d, want %d", err, len(list), found(t, name))
		}
		severities := map[string]bool{"info": true, "minor": true, "major": true, "critical": true, "blocker": true}
		seen := map[string]bool{}
		for _, i := range list {
			if i.Description == "" || i.CheckName == "" || seen[i.Fingerprint] || !severities[i.Severity] || i.Location.Lines.Begin < 1 {
				t.Errorf("the finding %+v lacks a field, or repeats a fingerprint", i)
			}
			seen[i.Fingerprint] = true
		}
	})
}
