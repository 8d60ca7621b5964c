package report

import (
	"path"
	"strings"
)

// ShortName is a migration's file in as few words as tell it from others: its
// name; with the directory's, where every file has the same (up.sql); with the
// application's, where the directory's does not say it (Django).
func ShortName(file string) string {
	dir, name := path.Split(file)
	dir = strings.TrimSuffix(dir, "/")
	stem, _, _ := strings.Cut(name, ".")
	switch {
	case dir == "":
		return name
	case stem == "up" || stem == "down" || stem == "migration":
		return path.Base(dir) + "/" + name
	case strings.HasSuffix(name, ".py") && path.Base(dir) == "migrations" && path.Dir(dir) != ".":
		return path.Base(path.Dir(dir)) + "/" + name
	}
	return name
}
