package audit

import (
	"os"
	"path/filepath"
)

// rootFor returns the directory that paths of the report are relative to: the
// repository's root if the files are in one, else the working directory.
func rootFor(dir string, paths []string) (root string, local []string, err error) {
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
