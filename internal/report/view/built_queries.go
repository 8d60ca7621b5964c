package view

import (
	"fmt"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

// mostBuilt is how many files with built queries a line names.
const mostBuilt = 3

// describeBuiltFiles says, as the end of a sentence, in which files queries are built by calls, and how to see them.
func describeBuiltFiles(files []onward.BuiltFile) string {
	if len(files) == 0 {
		return ""
	}
	return fmt.Sprintf(" in %s (%s; record them: onward record)", prose.CountNoun(len(files), "file"), nameBuiltFiles(files))
}

// nameBuiltFiles names the files with the most places, and counts the others.
func nameBuiltFiles(files []onward.BuiltFile) string {
	var names []string
	for _, f := range files {
		names = append(names, escape.Line(f.Path)+" "+GroupDigits(f.Places))
	}
	return prose.FirstNames(names, mostBuilt)
}

// DescribeBuiltQueries says how many places of the deployed code build queries that onward could not read; "" for none. The
// coverage of verified code has the same count.
func DescribeBuiltQueries(r *onward.Report) string {
	b := r.BuiltQueries
	if b == nil || r.Verification != nil {
		return ""
	}
	return fmt.Sprintf("not read: %s of the code at %s that build queries by calls of a mapper%s",
		prose.CountNoun(b.Places, "place"), escape.Line(b.Revision), describeBuiltFiles(b.Files))
}
