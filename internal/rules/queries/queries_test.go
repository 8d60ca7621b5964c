package queries_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rules/queries"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// TestFixtures runs each rule over its recordings: "bad" has what the header wants, one
// line for each finding, and "fixed" and "good" have nothing.
func TestFixtures(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, r := range queries.All() {
		known[strings.ReplaceAll(r.ID, "-", "_")+".txt"] = true
		t.Run(r.ID, func(t *testing.T) {
			t.Parallel()
			text, ok := queries.Fixture(r.ID)
			if !ok {
				t.Fatal("there is no fixture")
			}
			f := read(t, text)
			for name, data := range f.recordings {
				in := f.input
				in.Workload = new(workload.Workload)
				if err := json.Unmarshal(data, in.Workload); err != nil {
					t.Fatalf("parse the recording %s: %v", name, err)
				}
				var got []string
				for _, x := range queries.JudgeRecording(&in) {
					if x.Rule != r.ID {
						continue
					}
					got = append(got, fmt.Sprintf("%s %s %s", x.Queries[0], x.Severity, x.Fact))
					if x.Count == 0 || x.Harm == "" || x.Instead == "" || x.SQL == "" ||
						x.Sender == "" && !strings.HasPrefix(x.Rule, "transaction") && x.Rule != "query-chain" {
						t.Errorf("%s: a finding without its parts: %+v", name, x)
					}
				}
				want := f.want[name]
				if len(got) != len(want) {
					t.Errorf("%s: found %q, want %q", name, got, want)
					continue
				}
				for _, w := range want {
					if !slices.ContainsFunc(got, func(g string) bool { return strings.HasPrefix(g, cutTwo(w)) && strings.Contains(g, rest(w)) }) {
						t.Errorf("%s: found %q, want %q", name, got, w)
					}
				}
				// The same, switched off, and made a note of.
				in.Severity = map[string]onward.Severity{r.ID: onward.Off}
				for _, x := range queries.JudgeRecording(&in) {
					if x.Rule == r.ID {
						t.Errorf("%s: it is off, and found: %v", name, x)
					}
				}
				in.Severity[r.ID] = onward.Info
				for _, x := range queries.JudgeRecording(&in) {
					if x.Rule == r.ID && x.Severity != onward.Info {
						t.Errorf("%s: its severity is set, and %v", name, x.Severity)
					}
				}
			}
		})
	}
	files, err := filepath.Glob("testdata/*")
	if err != nil || len(files) != len(known) {
		t.Errorf("%d fixtures for %d rules (%v)", len(files), len(known), err)
	}
}

func cutTwo(w string) string { return strings.Join(strings.SplitN(w, " ", 3)[:2], " ") + " " }
func rest(w string) string   { return strings.SplitN(w, " ", 3)[2] }

type fixture struct {
	want       map[string][]string
	recordings map[string][]byte
	input      queries.Input
}

// read reads a fixture: want lines are "QUERY SEVERITY part of the fact".
func read(t *testing.T, text []byte) *fixture {
	t.Helper()
	ar := txtar.Parse(text)
	f := &fixture{want: map[string][]string{}, recordings: map[string][]byte{}}
	in := &f.input
	in.SoftDelete, in.Rows, in.Told = map[string]string{}, map[string]int64{}, map[string]bool{}
	for line := range strings.SplitSeq(strings.TrimSpace(string(ar.Comment)), "\n") {
		key, value, _ := strings.Cut(line, ": ")
		switch name, example := strings.CutSuffix(key, ".want"); {
		case strings.HasPrefix(line, "# "):
		case key == "want":
			f.want["bad"] = append(f.want["bad"], value)
		case example:
			f.want[name] = append(f.want[name], value)
		case key == "soft_delete":
			table, column, _ := strings.Cut(value, " ")
			in.SoftDelete[table] = column
		case key == "rows":
			table, n, _ := strings.Cut(value, " ")
			rows, err := strconv.ParseInt(n, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			in.Rows[table] = rows
		case key == "told":
			in.Told[value] = true
		default:
			t.Fatalf("header line %q", line)
		}
	}
	for _, file := range ar.Files {
		switch name, ok := strings.CutSuffix(file.Name, ".json"); {
		case ok:
			f.recordings[name] = file.Data
		case file.Name == "schema.sql":
			in.Deployed = fold(t, catalog.New(), string(file.Data))
		case file.Name == "head.sql":
			in.Head = fold(t, in.Deployed, string(file.Data))
		default:
			t.Fatalf("section %s", file.Name)
		}
	}
	for name := range f.want {
		if f.recordings[name] == nil {
			t.Errorf("there is no %s.json", name)
		}
	}
	return f
}

func fold(t *testing.T, c *catalog.Catalog, sql string) *catalog.Catalog {
	t.Helper()
	file, err := pgparse.SplitText(sql)
	if err != nil {
		t.Fatal(err)
	}
	for i := range file.Stmts {
		s := &file.Stmts[i]
		if s.Err != nil {
			t.Fatalf("parse %q: %v", sql[s.Start:s.End], s.Err)
		}
		c, _ = c.Apply(s.Node, file.Src[s.Start:s.End])
	}
	return c
}

// A loop and a chain name the test in which they are longest.
func TestFindingsNameTests(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{"query-for-each-row": "orders/test_list.py::test_many", "query-chain": "TestOrder/pays"} {
		text, _ := queries.Fixture(id)
		f := read(t, text)
		in := f.input
		in.Workload = new(workload.Workload)
		if err := json.Unmarshal(f.recordings["bad"], in.Workload); err != nil {
			t.Fatal(err)
		}
		for _, x := range queries.JudgeRecording(&in) {
			if x.Rule == id && x.Test != want {
				t.Errorf("%s: the test is %q, want %q", id, x.Test, want)
			}
		}
	}
}
