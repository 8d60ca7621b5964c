package deployed

import (
	"bytes"
	"fmt"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/onward"
)

// faultyPaths returns the paths of the files that onward could not read: its reader failed, or git lacks the file.
func (c *Files) faultyPaths() (paths []string) {
	for _, f := range c.files {
		if f.Facts != nil && f.Facts.Fault != "" {
			paths = append(paths, f.Path)
		}
	}
	return paths
}

// mayBeInFaulty reports whether such a file contains the name in a question, so that its use of the name is not known.
func (u *Code) mayBeInFaulty(q question) bool {
	paths := u.ReadFiles().faultyPaths()
	if len(paths) == 0 {
		return false
	}
	words := append(facts.TableWords(q.Name.Name), q.Name.Name)
	if q.Column != "" {
		words = append(facts.Spellings(q.Column), q.Column)
	}
	texts, err := u.base.ReadAll(paths)
	for _, text := range texts {
		for _, w := range words {
			if w != "" && bytes.Contains(text, []byte(w)) {
				return true
			}
		}
	}
	return err != nil
}

// mostFaults bounds the files in a report: a partial clone may lack all of them.
const mostFaults = 3

// ListFaults lists the files of the deployed code that onward could not read, if the code was read at all.
func (u *Code) ListFaults() (out []onward.Opaque) {
	if u == nil || u.text == nil {
		return nil
	}
	more := 0
	for _, f := range u.text.files {
		switch {
		case f.Facts == nil || f.Facts.Fault == "":
		case len(out) == mostFaults:
			more++
		default:
			out = append(out, onward.Opaque{Path: f.Path, What: "a file of the deployed code", Why: f.Facts.Fault, Usage: true})
		}
	}
	if more > 0 {
		out[len(out)-1].What = fmt.Sprintf("this and %d other files of the deployed code", more)
	}
	return out
}
