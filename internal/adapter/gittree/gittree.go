// Package gittree gives gitrange's trees to the adapters.
package gittree

import (
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/gitrange"
)

// Of makes an [adapter.Tree] of a tree. Files that gitrange could list but not
// read are among its paths: reading them tells why.
func Of(t gitrange.Tree) adapter.Tree {
	files := t.Files()
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = f.Path
	}
	return tree{t, paths}
}

type tree struct {
	gitrange.Tree
	paths []string
}

func (t tree) Paths() []string { return t.paths }
