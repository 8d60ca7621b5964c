package report

import (
	"fmt"
	"path"
	"strings"
)

// ShortName returns the shortest name that identifies a migration's file: its name; with
// the directory, if every file has the same name (up.sql); with the application, if the
// directory does not name it (Django).
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

// nameLine names a line by the short name of its file: "00043_rename.sql:4".
func nameLine(file string, line int) string {
	return EscapeLine(fmt.Sprintf("%s:%d", ShortName(file), line))
}
