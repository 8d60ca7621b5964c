// Package gittree gives gitrange's trees to the adapters.
package gittree

import (
	"sync"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/gitrange"
)

// Of converts a tree to an [adapter.Tree]. Its paths include files that gitrange could
// list but not read: reading them returns the reason.
func Of(t gitrange.Tree) adapter.Tree {
	files := t.Files()
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = f.Path
	}
	return &tree{Tree: t, paths: paths, memo: map[string]*memory{}}
}

// tree is an [adapter.Tree] of a revision. memo has the values of [tree.Memo], by their keys.
type tree struct {
	gitrange.Tree
	paths []string

	mu   sync.Mutex
	memo map[string]*memory
}

// memory is a value that is computed once.
type memory struct {
	once sync.Once
	made any
}

func (t *tree) Paths() []string { return t.paths }

// Memo computes the value of a key once.
func (t *tree) Memo(key string, make func() any) any {
	t.mu.Lock()
	m := t.memo[key]
	if m == nil {
		m = &memory{}
		t.memo[key] = m
	}
	t.mu.Unlock()
	m.once.Do(func() { m.made = make() }) // make may ask for other keys
	return m.made
}
