package view

import (
	"fmt"
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/report/escape"
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

// NameLine names a line by the short name of its file: "00043_rename.sql:4".
func NameLine(file string, line int) string {
	return escape.Line(fmt.Sprintf("%s:%d", ShortName(file), line))
}

// FormatPlace is "path:line:column", or as much of it as is known.
func FormatPlace(path string, line, column int) string {
	switch {
	case line <= 0:
		return path
	case column <= 0:
		return fmt.Sprintf("%s:%d", path, line)
	}
	return fmt.Sprintf("%s:%d:%d", path, line, column)
}

// ShortenRelation is a relation's name for people: the schema public is not named.
func ShortenRelation(name string) string { return escape.Line(strings.TrimPrefix(name, "public.")) }
