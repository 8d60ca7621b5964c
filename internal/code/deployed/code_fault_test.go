package deployed

import (
	"testing"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
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
		t.Errorf("%+v", faults)
	}
	for column, may := range map[string]bool{"set": true, "old_ref": false} {
		if got := u.mayBeInFaulty(about(column)); got != may {
			t.Errorf("%s: %v", column, got)
		}
		if known := u.searchCode(about(column)).Known; known == may {
			t.Errorf("%s: known %v", column, known)
		}
	}
}
