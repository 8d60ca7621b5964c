package audit

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/usage"
)

// "Nothing in the deployed code names it" is reported only after a search. If the search finds text that was not
// understood, the report says that the use is not known.
func TestSearchBeforeNothing(t *testing.T) {
	t.Parallel()
	const schema = "-- m/00001_a.sql --\n-- +goose Up\nCREATE TABLE accounts (id int, old_ref text);\n-- main.go --\npackage main\n\n" +
		"var q = \"SELECT id FROM accounts\"\n"
	const release = "-- m/00002_b.sql --\n-- +goose Up\nALTER TABLE accounts DROP COLUMN old_ref;\n"
	for name, c := range map[string]struct{ file, want string }{
		"nothing": {"-- x.txt --\nold times\n", "info nothing in the deployed code names the column"},
		"in a language": {
			"-- lib.zig --\nconst Account = struct { id: u32, old_ref: []u8 };\n",
			"warning it is not known whether the deployed code uses the column (at lib.zig:1)",
		},
		"as a field of a class": {
			"-- web/account.dart --\nclass Account {\n  String oldRef;\n}\n",
			"warning it is not known whether the deployed code uses the column (at web/account.dart:2)",
		},
		"without the table":      {"-- lib.zig --\nconst X = struct { id: u32, old_ref: []u8 };\n", "info nothing in the deployed code names"},
		"in a comment":           {"-- lib.go --\npackage main\n\n// Account had old_ref.\n", "info nothing in the deployed code names"},
		"the table in a comment": {"-- lib.go --\npackage main\n\n// of an Account\nvar old_ref = 1\n", "warning it is not known whether the deployed code uses"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := repository(t, schema+c.file, release)
			report := changelog0(t, Config{Dir: dir, Base: "main", Head: "feature"})
			said := ""
			for _, f := range report.Findings {
				if f.Rule == "column-drop" {
					said += f.Severity.String() + " " + f.Harm
				}
			}
			if !strings.HasPrefix(said, c.want) {
				t.Errorf("%q is not said: %q", c.want, said)
			}
		})
	}
}

// A fault of onward's own costs the file, and what the file may say is not known.
func TestFaultyFile(t *testing.T) {
	t.Parallel()
	dir := repository(t, "-- m/00001_a.sql --\n-- +goose Up\nCREATE TABLE accounts (id int, old_ref text, kind text);\n-- a.py --\nx = \"set a = \"\n"+
		"-- main.go --\npackage main\n\nvar q = \"SELECT id FROM accounts\"\n",
		"-- m/00002_b.sql --\n-- +goose Up\nALTER TABLE accounts DROP COLUMN old_ref;\n")
	report := changelog0(t, Config{Dir: dir, Base: "main", Head: "feature"})
	if got := strings.Join(found(report), " "); !strings.Contains(got, "info column-drop") {
		t.Errorf("%v", got)
	}
	for _, o := range report.Opaque {
		t.Errorf("%+v", o)
	}
	r, err := Read(t.Context(), Config{Dir: dir, Base: "main", Head: "feature"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	about := func(column string) question {
		return question{analysis.Question{Kind: analysis.AskColumn, Name: catalog.Name{Schema: "public", Name: "accounts"}, Column: column}, 0}
	}
	if faults := r.usage.listFaults(); len(faults) != 0 {
		t.Errorf("before the code is read: %+v", faults)
	}
	files := r.usage.readCode().files
	for i := range files {
		if files[i].Path == "a.py" {
			files[i].Facts = &usage.Facts{Fault: "this is a fault of onward's own"}
		}
	}
	if faults := r.usage.listFaults(); len(faults) != 1 || faults[0].Path != "a.py" || !faults[0].Usage || faults[0].Failed {
		t.Errorf("%+v", faults)
	}
	for column, may := range map[string]bool{"set": true, "old_ref": false} {
		if got := r.usage.mayBeInFaulty(about(column)); got != may {
			t.Errorf("%s: %v", column, got)
		}
		if known := r.usage.searchCode(about(column)).Known; known == may {
			t.Errorf("%s: known %v", column, known)
		}
	}
}
