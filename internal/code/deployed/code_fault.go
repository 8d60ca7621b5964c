package deployed

import (
	"bytes"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/onward"
)

// faultyPaths returns the paths of the files that onward could not read because of its own fault.
func (c *Files) faultyPaths() (paths []string) {
	for _, f := range c.files {
		if f.Facts != nil && f.Facts.Fault != "" {
			paths = append(paths, f.Path)
		}
	}
	return paths
}

// mayBeInFaulty reports whether such a file has the name in a question: its use of the name is not known.
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

// ListFaults lists the files of the deployed code that onward could not read, if the code was read at all.
func (u *Code) ListFaults() (out []onward.Opaque) {
	if u == nil || u.text == nil {
		return nil
	}
	for _, f := range u.text.files {
		if f.Facts != nil && f.Facts.Fault != "" {
			out = append(out, onward.Opaque{Path: f.Path, What: "a file of the deployed code", Why: f.Facts.Fault, Usage: true})
		}
	}
	return out
}
