package builtin

import "strings"

// ObjectKind is the kind of an object that an extension brings.
type ObjectKind string

// The kinds of objects that the table of extensions has.
const (
	Function      ObjectKind = "f"
	TypeName      ObjectKind = "t"
	OperatorClass ObjectKind = "o"
)

// HasExtension reports whether the contents of an extension are known: it comes with Postgres.
func HasExtension(name string) bool {
	for range lookUpEntries(extensions, name) {
		return true
	}
	return false
}

// Brings reports whether an extension has an object of that name, on any version.
func Brings(extension string, kind ObjectKind, name string) bool {
	for member := range lookUpEntries(extensions, extension) {
		if k, n, _ := strings.Cut(member, " "); k == string(kind) && n == name {
			return true
		}
	}
	return false
}

// FindExtension returns the extension that brings an object of that name; "" if none of those that come with Postgres does.
func FindExtension(kind ObjectKind, name string) string {
	wanted := " " + string(kind) + " " + name + "\n"
	end := strings.Index(extensions, wanted)
	if end < 0 {
		return ""
	}
	return extensions[strings.LastIndexByte(extensions[:end], '\n')+1 : end]
}

// ListMembers lists the names of an extension's objects of a kind, on any version.
func ListMembers(extension string, kind ObjectKind) []string {
	var out []string
	for member := range lookUpEntries(extensions, extension) {
		if name, ok := strings.CutPrefix(member, string(kind)+" "); ok {
			out = append(out, name)
		}
	}
	return out
}
