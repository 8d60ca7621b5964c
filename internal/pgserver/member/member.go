// Package member knows which extension brings a type, function, operator class, operator, dictionary or access
// method: the type "hstore" is of extension hstore. It has the extensions that come with Postgres, of all supported versions.
package member

import (
	_ "embed"
	"strings"
	"sync"
)

//go:generate go run ./gen

//go:embed members.txt
var members string

// Kind is what an extension brings, in the server's words.
type Kind string

// The kinds.
const (
	Type         Kind = "type"
	Function     Kind = "function"
	Class        Kind = "operator class"
	Operator     Kind = "operator"
	Dictionary   Kind = "text search dictionary"
	AccessMethod Kind = "access method"
)

type key struct {
	kind Kind
	name string
}

// index has the extension of each name that one extension alone brings.
var index = sync.OnceValue(func() map[key]string {
	out := map[key]string{}
	for line := range strings.Lines(members) {
		kind, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		name, extension, _ := strings.Cut(rest, "\t")
		k := key{Kind(kind), name}
		if _, isDuplicate := out[k]; isDuplicate {
			extension = ""
		}
		out[k] = extension
	}
	return out
})

// ExtensionOf is the extension that brings an object; "" when none does, or several do.
func ExtensionOf(kind Kind, name string) string { return index()[key{kind, name}] }
