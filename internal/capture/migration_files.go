package capture

import (
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/wire/ordered"
)

// migrationFiles are the files of a directory of migrations, by what a tool may call them.
type migrationFiles struct {
	tree  adapter.Tree
	paths []string
	// keys maps each name that a tool may use to the paths of files, and texts has the contents that were read, by path.
	keys  map[string][]string
	texts map[string]string
	// searches is how many more segments may be searched in the texts of files.
	searches int
}

// Limits of the files whose texts are read.
const (
	maxSearchedFiles = 2000
	maxSearchedText  = 1 << 20
	maxSearches      = 100
)

var (
	longNumber = lazyregexp.New(`[0-9]{3,}`)
	revisionID = lazyregexp.New(`(?m)^revision(?:\s*:\s*[^=\n]+)?\s*=\s*["']([^"'\n]+)["']`)
)

// listMigrationFiles lists the files below a directory: by name, with and without extension, by what precedes a "_",
// "-" or "." in it, by numbers in it, and by the revision that a Python file names.
func listMigrationFiles(t adapter.Tree, dir string) *migrationFiles {
	f := &migrationFiles{tree: t, keys: map[string][]string{}, texts: map[string]string{}, searches: maxSearches}
	for _, relPath := range adapter.FilesBelow(t, dir) {
		if strings.Contains(relPath, "node_modules/") || isCompanionFile(relPath) {
			continue
		}
		p := path.Join(dir, relPath)
		f.paths = append(f.paths, p)
		name := path.Base(p)
		f.addKey(name, p)
		for i := range len(name) {
			if strings.IndexByte("_-.", name[i]) >= 0 && i > 0 {
				f.addKey(name[:i], p)
			}
		}
		for _, n := range longNumber.FindAllString(name, -1) {
			f.addKey("#"+n, p)
		}
		if path.Ext(p) == ".py" && len(f.paths) <= maxSearchedFiles {
			if m := revisionID.FindStringSubmatch(f.readText(p)); m != nil {
				f.addKey(m[1], p)
			}
		}
	}
	return f
}

// isCompanionFile reports whether a file belongs to the migration of another file with the same name.
func isCompanionFile(file string) bool {
	switch path.Ext(strings.TrimSuffix(file, path.Ext(file))) {
	case ".down", ".undo", ".rollback", ".Designer", ".designer":
		return true
	}
	return false
}

func (f *migrationFiles) addKey(key, p string) {
	if list := f.keys[key]; len(list) < 2 && !slices.Contains(list, p) { // two are as good as many: neither is found
		f.keys[key] = append(list, p)
	}
}

// findFile returns the file of a segment; "" if there is none, or several.
func (f *migrationFiles) findFile(s *Segment) string {
	switch {
	case s.After:
		return ""
	case s.ID == "":
		return f.findByText(s.Statements)
	}
	if list := f.keys[path.Base(s.ID)]; len(list) == 1 {
		return list[0]
	}
	// TypeORM's "AddEmail1700000000000" is in 1700000000000-AddEmail.ts.
	number := ""
	for _, n := range longNumber.FindAllString(s.ID, -1) {
		if len(n) > len(number) {
			number = n
		}
	}
	if list := f.keys["#"+number]; len(list) == 1 {
		return list[0]
	}
	return ""
}

// findByText finds the file that has the first statement of a segment letter by letter.
func (f *migrationFiles) findByText(list []*ordered.Statement) string {
	if f.searches--; f.searches < 0 || len(f.paths) > maxSearchedFiles {
		return ""
	}
	for _, st := range list {
		sql := trimSQL(st.SQL)
		if len(sql) <= 8 {
			continue
		}
		found := ""
		for _, p := range f.paths {
			if strings.Contains(f.readText(p), sql) {
				if found != "" {
					return ""
				}
				found = p
			}
		}
		return found
	}
	return ""
}

func trimSQL(sql string) string { return strings.TrimRight(strings.TrimSpace(sql), "; \t\r\n") }

// readText returns the content of a file; "" for a large one.
func (f *migrationFiles) readText(p string) string {
	text, ok := f.texts[p]
	if !ok {
		if text = adapter.ReadFile(f.tree, p).Text; len(text) > maxSearchedText {
			text = ""
		}
		f.texts[p] = text
	}
	return text
}
