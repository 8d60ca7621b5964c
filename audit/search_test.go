package audit

import (
	"strings"
	"testing"
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
			got := ""
			for _, f := range report.Findings {
				if f.Rule == "column-drop" {
					got += f.Severity.String() + " " + f.Harm
				}
			}
			if !strings.HasPrefix(got, c.want) {
				t.Errorf("%q is not said: %q", c.want, got)
			}
		})
	}
}

// A file with text that only looks like SQL costs nothing.
func TestUnclearFile(t *testing.T) {
	t.Parallel()
	dir := repository(t, "-- m/00001_a.sql --\n-- +goose Up\nCREATE TABLE accounts (id int, old_ref text, kind text);\n-- a.py --\nx = \"set a = \"\n"+
		"-- main.go --\npackage main\n\nvar q = \"SELECT id FROM accounts\"\n",
		"-- m/00002_b.sql --\n-- +goose Up\nALTER TABLE accounts DROP COLUMN old_ref;\n")
	report := changelog0(t, Config{Dir: dir, Base: "main", Head: "feature"})
	if got := strings.Join(found(report), " "); !strings.Contains(got, "info column-drop") {
		t.Errorf("the findings are %v, want info column-drop", got)
	}
	for _, o := range report.Opaque {
		t.Errorf("the report has the unread part %+v, want none", o)
	}
}
