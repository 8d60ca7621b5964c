// Package gittree gives gitrange's trees to the adapters.
package gittree

import (
	"sync"

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
	return &tree{Tree: t, paths: paths, memo: map[string]any{}}
}

type tree struct {
	gitrange.Tree
	paths []string

	mu   sync.Mutex
	memo map[string]any
}

func (t *tree) Paths() []string { return t.paths }

// Memo makes what has that key, once.
func (t *tree) Memo(key string, make func() any) any {
	t.mu.Lock()
	v, ok := t.memo[key]
	t.mu.Unlock()
	if ok {
		return v
	}
	v = make() // outside of the lock: it may ask for other keys
	t.mu.Lock()
	defer t.mu.Unlock()
	t.memo[key] = v
	return v
}
