package deployed

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

// A fault of onward's own costs the file, and what the file may say is not known.
func TestFaultyFile(t *testing.T) {
	t.Parallel()
	u := NewCode(baseOf(t, gittest.CommitArchives(t, "-- a.py --\nx = \"set a = \"\n-- main.go --\npackage main\n\nvar q = \"SELECT id FROM accounts\"\n")), nil)
	about := func(column string) question {
		return question{analysis.Question{Kind: analysis.AskColumn, Name: catalog.Name{Schema: "public", Name: "accounts"}, Column: column}, 0}
	}
	if faults := u.ListFaults(); len(faults) != 0 {
		t.Errorf("before the code is read: %+v", faults)
	}
	files := u.ReadFiles().files
	for i := range files {
		if files[i].Path == "a.py" {
			files[i].Facts = &facts.Facts{Fault: "this is a fault of onward's own"}
		}
	}
	if faults := u.ListFaults(); len(faults) != 1 || faults[0].Path != "a.py" || !faults[0].Usage || faults[0].Failed {
		t.Errorf("ListFaults() = %+v, want one, for a.py, that did not fail", faults)
	}
	for column, want := range map[string]bool{"set": true, "old_ref": false} {
		if got := u.mayBeInFaulty(about(column)); got != want {
			t.Errorf("mayBeInFaulty of column %s = %t, want %t", column, got, want)
		}
		if known := u.searchCode(about(column)).Known; known == want {
			t.Errorf("%s: known %v", column, known)
		}
	}
}

// The report names three of the files that git lacks. They may use any column.
func TestLostFiles(t *testing.T) {
	t.Parallel()
	var files strings.Builder
	for i := range 5 {
		fmt.Fprintf(&files, "-- store/t%d.go --\npackage store\n\nvar q = \"SELECT ref%[1]d FROM accounts\"\n", i)
	}
	tree := baseOf(t, gittest.CommitArchives(t, files.String())).Base
	u := &Code{text: readBase(lost{tree}, openStorage("", "x"), func(string) bool { return false }, nil), base: lost{tree}}
	faults := u.ListFaults()
	if len(faults) != 3 || faults[0].Path != "store/t0.go" || faults[0].Why != "store/t0.go is lost" || !faults[2].Usage ||
		faults[2].What != "this and 2 other files of the deployed code" {
		t.Errorf("ListFaults() = %+v, want 3, with the other lost files in the last", faults)
	}
	if !u.mayBeInFaulty(question{analysis.Question{Kind: analysis.AskColumn, Name: catalog.Name{Schema: "public", Name: "accounts"}, Column: "ref9"}, 0}) {
		t.Error("a lost file may use any column")
	}
}

// lost is a tree of files that git cannot read.
type lost struct{ gitrange.Tree }

func (l lost) ReadAll(paths []string) (map[string][]byte, error) {
	var failures []error
	for _, path := range paths {
		failures = append(failures, errors.New(path+" is lost"))
	}
	return nil, errors.Join(failures...)
}
