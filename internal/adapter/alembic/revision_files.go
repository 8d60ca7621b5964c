package alembic

import (
	"path"
	"slices"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// fileRevision is what the text of a file says of its revision, without Python.
type fileRevision struct {
	path, id string
	down     []string
}

var (
	downRevision = lazyregexp.New(`(?m)^down_revision(?:\s*:\s*[^=\n]+)?\s*=\s*([^\n]+)`)
	quotedID     = lazyregexp.New(`["']([^"'\n]+)["']`)
)

// readRevisionFiles reads the files of a directory that are revisions.
func readRevisionFiles(t adapter.Tree, dir string) []fileRevision {
	names := slices.DeleteFunc(slices.Clone(adapter.FilesBelow(t, dir)), func(p string) bool { return path.Dir(p) != "." || path.Ext(p) != ".py" })
	var out []fileRevision
	for _, file := range adapter.ReadFiles(t, adapter.Dir{Path: dir}, names) {
		id := revisionID.FindStringSubmatch(file.Text)
		if id == nil {
			continue
		}
		f := fileRevision{path: file.Path, id: id[1]}
		if down := downRevision.FindStringSubmatch(file.Text); down != nil {
			for _, m := range quotedID.FindAllStringSubmatch(down[1], -1) {
				f.down = append(f.down, m[1])
			}
		}
		out = append(out, f)
	}
	return out
}

// reportSharedIDs reports files with the same revision id. Alembic warns, and counts both as heads.
func reportSharedIDs(t adapter.Tree, dir string) []history.Change {
	files := readRevisionFiles(t, dir)
	first := map[string]fileRevision{}
	var out []history.Change
	for _, f := range files {
		other, shared := first[f.id]
		if !shared {
			first[f.id] = f
			continue
		}
		runner := "both have the revision id " + f.id + ": alembic upgrade head refuses to run: Multiple head revisions are present"
		out = append(out, history.Change{
			Kind: history.Duplicate, Migration: path.Base(f.path), Path: f.path, Other: path.Base(other.path), Line: 1, Runner: runner,
		})
	}
	return out
}

// explainMissingParent returns a sentence about a revision that follows one that no file has, if the error names that one; "" for none.
func explainMissingParent(t adapter.Tree, dir, text string) string {
	m := missingKey.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	for _, p := range t.Paths() {
		if path.Ext(p) != ".py" {
			continue
		}
		if id := revisionID.FindStringSubmatch(adapter.ReadFile(t, p).Text); id != nil && id[1] == m[1] {
			return ""
		}
	}
	for _, f := range readRevisionFiles(t, dir) {
		if slices.Contains(f.down, m[1]) {
			return f.path + " follows revision " + m[1] + ", which no file has: Alembic refuses to start"
		}
	}
	return ""
}

// missingKey matches the error with which Alembic ends if a revision is missing.
var missingKey = lazyregexp.New(`KeyError: '([^'\n]+)'`)
