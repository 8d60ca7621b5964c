package audit

import (
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// findReportRoot returns the directory that paths of the report are relative to: the
// repository's root if the files are in one, else the working directory.
func findReportRoot(dir string, paths []string) (root string, local []string, err error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", nil, err
	}
	root = abs
	for d := abs; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, ".git")); err == nil {
			root = d
			break
		}
		if d == filepath.Dir(d) {
			break
		}
	}
	for _, p := range paths {
		if !filepath.IsAbs(p) {
			p = filepath.Join(abs, p)
		}
		rel, relErr := filepath.Rel(root, p)
		if relErr != nil || rel == ".." || len(rel) > 2 && rel[:3] == ".."+string(filepath.Separator) {
			// Outside the repository, paths are absolute.
			return string(filepath.Separator), makeAbsolute(abs, paths), nil //nolint:nilerr // no path from the root to it: it is outside
		}
		local = append(local, filepath.ToSlash(rel))
	}
	return root, local, nil
}

// findPackagesAbove returns the package.json files that say which tool runs the named programs in JavaScript: the closest one above each name, inside
// the repository.
func findPackagesAbove(root string, t gitrange.Tree, local []string) (out []string) {
	if root == string(filepath.Separator) {
		return nil
	}
	for _, name := range local {
		isProgram := func(f gitrange.File) bool {
			return (f.Path == name || isBelow(f.Path, name)) && slices.Contains(adapter.ScriptEndings, path.Ext(f.Path))
		}
		if !slices.ContainsFunc(t.Files(), isProgram) {
			continue
		}
		for dir := name; ; dir = path.Dir(dir) {
			file := path.Join(dir, "package.json")
			info, err := os.Lstat(filepath.Join(root, file))
			isFile := err == nil && info.Mode().IsRegular()
			if isFile {
				out = append(out, file)
			}
			if isFile || dir == "." {
				break
			}
		}
	}
	return out
}

// makeAbsolute returns the paths below the root of the file system. They have no slash at their start, as all paths of a tree.
func makeAbsolute(dir string, paths []string) []string {
	out := make([]string, len(paths))
	for i, p := range paths {
		if !filepath.IsAbs(p) {
			p = filepath.Join(dir, p)
		}
		out[i] = filepath.ToSlash(p[1:])
	}
	return out
}

// addRootSlash gives a report's paths below the root of the file system the slash that they have not in a tree. paths are those
// that the user named, without the slash. Messages contain paths, so every text of the report is searched.
func addRootSlash(r *onward.Report, paths []string) {
	for _, path := range paths {
		if path == "." || path == "" {
			continue // the root itself
		}
		pattern := lazyregexp.New(`(^|[^\w/.-])` + regexp.QuoteMeta(path) + `($|[^\w.-])`)
		rewriteStrings(reflect.ValueOf(r), func(text string) string {
			return pattern.ReplaceAllString(text, "${1}/"+strings.ReplaceAll(path, "$", "$$")+"${2}")
		})
	}
}

// rewriteStrings replaces each text that a value holds.
func rewriteStrings(v reflect.Value, rewrite func(string) string) {
	switch v.Kind() {
	case reflect.String:
		if v.CanSet() {
			v.SetString(rewrite(v.String()))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			rewriteStrings(v.Elem(), rewrite)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			rewriteStrings(v.Index(i), rewrite)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			rewriteStrings(v.Field(i), rewrite)
		}
	default: // numbers; a report has no maps
	}
}
